// SPDX-License-Identifier: MIT
// download.mjs OUT URL...: all of them at once, into files in the directory OUT, by fetch() of Node or Bun.
import { writeFileSync } from "node:fs";
import { basename } from "node:path";

// Node reads no proxy variable; Bun does, at the time of the request.
if (process.versions.bun) for (const name of Object.keys(process.env)) if (/_proxy$/i.test(name)) delete process.env[name];

const [out, ...urls] = process.argv.slice(2);
await Promise.all(urls.map(async (url) => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    writeFileSync(`${out}/${basename(url)}`, Buffer.from(await response.arrayBuffer()));
}));
