// SPDX-License-Identifier: MIT
// download.mjs REPO FILE...: by @huggingface/hub, into out/. Xet or not is for the package to say.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { downloadFile } from "@huggingface/hub";

const [repo, ...paths] = process.argv.slice(2);
for (const path of paths) {
    const blob = await downloadFile({ repo, path, hubUrl: process.env.HF_ENDPOINT });
    if (!blob) throw new Error(`no ${path}`);
    await mkdir(dirname(`out/${path}`), { recursive: true });
    await writeFile(`out/${path}`, blob.stream());
}
