// SPDX-License-Identifier: Apache-2.0
// Lines of ECS on standard input against the fields of Elastic's own package, @elastic/ecs:
//
//   node ecs_check.js NODE_MODULES < lines
//
// Each field that is not under `stripwatch` or `labels` is one of ECS, has its type, is a list where
// ECS says so and nowhere else, and holds one of the values that are allowed; event.type goes with
// event.category. Prints what is wrong, and at the end how many lines were right.
"use strict";
const net = require("net");
const path = require("path");
const { EcsFlat, EcsVersion } = require(path.join(path.resolve(process.argv[2]), "@elastic/ecs"));

const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const TYPES = {
  keyword: (v) => typeof v === "string",
  wildcard: (v) => typeof v === "string",
  match_only_text: (v) => typeof v === "string",
  constant_keyword: (v) => typeof v === "string",
  long: (v) => Number.isInteger(v),
  float: (v) => typeof v === "number",
  boolean: (v) => typeof v === "boolean",
  ip: (v) => typeof v === "string" && net.isIP(v) !== 0,
  date: (v) => typeof v === "string" && DATE.test(v) && !Number.isNaN(Date.parse(v)),
};

function* leaves(value, at) {
  if (value !== null && typeof value === "object" && !Array.isArray(value))
    for (const [key, v] of Object.entries(value)) yield* leaves(v, at ? at + "." + key : key);
  else yield [at, value];
}

function faults(line) {
  const out = [];
  for (const [at, value] of leaves(line, "")) {
    if (at.startsWith("stripwatch.") || at === "truncated") continue;
    if (at.startsWith("labels.")) {
      if (typeof value !== "string") out.push(`${at} is no keyword`);
      continue;
    }
    const field = EcsFlat[at];
    if (!field) {
      out.push(`${at} is no field of ECS`);
      continue;
    }
    if (Array.isArray(value) !== field.normalize.includes("array"))
      out.push(`${at} is ${Array.isArray(value) ? "a" : "no"} list`);
    for (const one of [].concat(value)) {
      if (!TYPES[field.type] || !TYPES[field.type](one)) out.push(`${at} is no ${field.type}: ${one}`);
      const allowed = (field.allowed_values || []).map((v) => v.name);
      if (allowed.length && !allowed.includes(one)) out.push(`${at} may not be ${one}`);
    }
  }
  const event = line.event || {};
  for (const category of event.category || []) {
    const row = EcsFlat["event.category"].allowed_values.find((v) => v.name === category);
    const fits = (event.type || []).some((type) => row && row.expected_event_types.includes(type));
    if (!fits) out.push(`no event.type of ${event.type} goes with ${category}`);
  }
  if (!line.ecs || line.ecs.version !== EcsVersion)
    out.push(`ecs.version is not that of the package, ${EcsVersion}`);
  return out;
}

const lines = require("fs").readFileSync(0, "utf8").split("\n").filter(Boolean);
let good = 0;
const seen = new Set();
lines.forEach((text) => {
  const wrong = faults(JSON.parse(text));
  wrong.filter((w) => !seen.has(w)).forEach((w) => (seen.add(w), console.log(w)));
  good += wrong.length === 0;
});
console.log(`${good} of ${lines.length}`);
