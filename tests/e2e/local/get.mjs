// SPDX-License-Identifier: MIT
// get.mjs URL...: prints what each URL holds, or why there is nothing.
for (const url of process.argv.slice(2)) {
  try {
    const response = await fetch(url);
    process.stdout.write(response.ok ? await response.text() : `${url} ${response.status}\n`);
  } catch (error) {
    console.log(url, error.cause?.code ?? error.message);
  }
}
