'use strict';
// Reads protobuf's text format, as far as a topology uses it: `name: value`, `name { ... }` and
// `name: [value, ...]`; numbers, true and false, words of enums, and strings in quotation marks, of
// which several in a row are one. Every field is given as a list of values, since only the schema
// knows which repeat; strings are Buffers.

class BadText extends Error {}

const TOKEN = /\s+|#[^\n]*|("(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'|[\w.+-]+|[{}:,;[\]<>])/gy;
const ESCAPES = { n: 10, r: 13, t: 9, a: 7, b: 8, f: 12, v: 11 };

function tokensOf(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new BadText(`line ${text.slice(0, at).split('\n').length}`);
    if (match[1] !== undefined) tokens.push(match[1]);
  }
  return tokens;
}

function unquoted(token) {
  const out = [];
  const bytes = Buffer.from(token.slice(1, -1));
  for (let i = 0; i < bytes.length; ++i) {
    if (bytes[i] !== 0x5c) {
      out.push(bytes[i]);
      continue;
    }
    const rest = bytes.subarray(i + 1).toString('latin1');
    const octal = /^[0-7]{1,3}/.exec(rest);
    const hex = /^[xX]([0-9a-fA-F]{1,2})/.exec(rest);
    if (octal) {
      out.push(parseInt(octal[0], 8));
      i += octal[0].length;
    } else if (hex) {
      out.push(parseInt(hex[1], 16));
      i += hex[0].length;
    } else {
      out.push(ESCAPES[rest[0]] ?? rest.charCodeAt(0));
      i += 1;
    }
  }
  return Buffer.from(out);
}

function parse(text) {
  const tokens = tokensOf(text);
  let at = 0;
  const isString = () => /^["']/.test(tokens[at] ?? '');

  function value() {
    if (tokens[at] === '{' || tokens[at] === '<') return message();
    if (!isString()) return tokens[at++];
    const parts = [];
    while (isString()) parts.push(unquoted(tokens[at++]));
    return Buffer.concat(parts);
  }
  function message() {
    const end = tokens[at++] === '{' ? '}' : '>';
    const found = body(end);
    at += 1;
    return found;
  }
  function body(end) {
    const found = {};
    while (tokens[at] !== end) {
      if (at >= tokens.length) throw new BadText('the text ends too early');
      const name = tokens[at++];
      if (tokens[at] === ':') at += 1;
      const values = (found[name] ??= []);
      if (tokens[at] === '[') {
        at += 1;
        while (tokens[at] !== ']') {
          values.push(value());
          if (tokens[at] === ',') at += 1;
          else if (tokens[at] !== ']') throw new BadText('a list does not end');
        }
        at += 1;
      } else {
        values.push(value());
      }
      if (tokens[at] === ';' || tokens[at] === ',') at += 1;
    }
    return found;
  }
  return body(undefined);
}

module.exports = { BadText, parse };
