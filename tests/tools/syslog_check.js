// SPDX-License-Identifier: Apache-2.0
// Parsers of others, from npm, for lines of syslog (glossy) and CEF (nsyslog-parser):
//
//   node syslog_check.js NODE_MODULES rfc5424|cef < lines
//
// Prints what they understand, a JSON object a line.
"use strict";
const path = require("path");
const need = (name) => require(path.join(path.resolve(process.argv[2]), name));
const lines = require("fs").readFileSync(0, "utf8").split("\n").filter(Boolean);

if (process.argv[3] === "cef") {
  const parse = need("nsyslog-parser");
  for (const line of lines) {
    const { cef, fields } = parse(line);
    console.log(JSON.stringify({ cef, fields }));
  }
} else {
  const { Parse } = need("glossy");
  for (const line of lines) Parse.parse(line, (message) => console.log(JSON.stringify(message)));
}
