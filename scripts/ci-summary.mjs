// Prints `N passed, N failed[, N skipped]` from Vitest's JSON report: `ci-summary.mjs REPORT STATUS-OF-NPM-TEST`.
// A file that could not be loaded has no tests in the report: it counts as one failure, as does a run without a report.
import { existsSync, readFileSync } from 'node:fs';

/** @typedef {{ status: string, assertionResults: { status: string }[] }} FileReport */

const [report = '', status = '1'] = process.argv.slice(2);
/** @type {FileReport[]} */
const files = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults : [];
const tests = files.flatMap((file) => file.assertionResults);

/** @param {...string} states */
const count = (...states) => tests.filter((test) => states.includes(test.status)).length;
const passed = count('passed');
const skipped = count('skipped', 'pending', 'todo', 'disabled');
const brokenFiles = files.filter(
  (file) =>
    file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
).length;
let failed = count('failed') + brokenFiles;
// Something outside the tests failed: set-up, the build, or an unhandled error.
if (status !== '0' && failed === 0) failed = 1;

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
