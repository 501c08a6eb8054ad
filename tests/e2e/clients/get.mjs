// SPDX-License-Identifier: MIT
// get.mjs URL FILE: one GET by node:https, which reads no proxy variable.
import { createWriteStream } from "node:fs";
import { get } from "node:https";
import { pipeline } from "node:stream/promises";

const [url, path] = process.argv.slice(2);
const response = await new Promise((resolve, reject) => get(url, resolve).on("error", reject));
if (response.statusCode !== 200) throw new Error(`${response.statusCode}`);
await pipeline(response, createWriteStream(path));
