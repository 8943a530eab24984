/** node tools/src/http-get.ts URL: prints the body, so that nothing but Node is needed to ask a web server. */
const url = process.argv[2];
if (!url) throw new Error("usage: http-get.ts URL");
const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
process.stdout.write(await response.text());
process.exitCode = response.ok ? 0 : 1;
