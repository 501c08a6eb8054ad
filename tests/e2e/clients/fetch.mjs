// SPDX-License-Identifier: MIT
// fetch.mjs URL FILE: one GET by Node's own fetch(), which reads no proxy variable.
import { writeFileSync } from "node:fs";

const [url, path] = process.argv.slice(2);
const response = await fetch(url);
if (!response.ok) throw new Error(`${response.status}`);
writeFileSync(path, Buffer.from(await response.arrayBuffer()));
