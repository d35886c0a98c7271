#!/usr/bin/env node
'use strict';
// A small client of Comity in Node, written from the wire contract and the formats alone.

const fs = require('fs');
const path = require('path');

const account = require('./account');
const keyLocation = require('./key_location');
const objects = require('./objects');
const { base32 } = require('./canonical');
const { Deployment } = require('./deployment');
const { Device, Profile } = require('./device');

const USAGE = `Usage: comity_example.js BUNDLE PROFILE COMMAND
  BUNDLE   folder that "comity bundle -o" wrote
  PROFILE  folder of the device's keys
Commands:
  create TERRITORY [TERMS]   make device keys and an account
  put FILE [NAME]            encrypt a file and store it
  get NAME FILE              read a file back, verified
  ls                         list the objects
  where                      where is the key, and who can compel it?`;

async function create(deployment, folder, territory, terms) {
  if (!fs.existsSync(path.join(folder, 'account.json'))) {
    // A statement says when it was signed, so somebody must be asked for the time first.
    const device = Device.generate();
    const now = await deployment.now(device);
    console.log(`recovery code  ${Profile.create(folder, deployment.name, device, now)}`);
  }
  const profile = new Profile(folder);
  const now = await deployment.now(profile.device);
  const view = await account.create(deployment, profile, territory, terms, now);
  console.log(`account        ${base32(view.account_id)}`);
  console.log(`region         ${view.home_region}, epoch ${view.account_epoch}`);
}

// Runs `act` with the profile and a connection to its home region.
async function connected(deployment, folder, act) {
  const profile = new Profile(folder);
  const connection = deployment.connect(profile.homeRegion, profile.device);
  try {
    await act(profile, connection);
  } finally {
    connection.close();
  }
}

const put = (deployment, folder, file, name) =>
  connected(deployment, folder, async (profile, connection) => {
    const stored = await objects.put(
      connection, profile.account, name ?? path.basename(file), file);
    console.log(`stored ${stored.name}  version ${stored.version}  ${stored.size} bytes`);
  });

const get = (deployment, folder, name, file) =>
  connected(deployment, folder, async (profile, connection) => {
    const stored = await objects.get(connection, profile.account, name, file);
    console.log(`wrote ${file}  ${stored.size} bytes`);
  });

const ls = (deployment, folder) =>
  connected(deployment, folder, async (profile, connection) => {
    const all = [...(await objects.list(connection, profile.account)).values()];
    all.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const o of all) console.log(`${String(o.size).padStart(12)}  v${o.version}  ${o.name}`);
  });

const where = (deployment, folder) =>
  connected(deployment, folder, async (profile, connection) => {
    const found = await keyLocation.ask(deployment, connection, profile, await connection.now());
    const state = found.active ? 'active' : 'NOT active';
    const laws = found.canCompel.map((code) => deployment.jurisdictions.get(code)).join(', ');
    console.log(`${state} in region ${found.region}, operated by ${found.operator}`);
    console.log(`can compel it: ${laws}`);
    console.log(`sealed by ${found.seal}, key version ${found.newestVersion}`);
    if (found.scheduledRegion) {
      const day = new Date(found.scheduledTime).toISOString().slice(0, 10);
      console.log(`announced: to ${found.scheduledRegion}, not before ${day}, ` +
        'with your consent only');
    }
  });

// The fewest arguments that each needs.
const COMMANDS = { create: [create, 1], put: [put, 1], get: [get, 2], ls: [ls, 0], where: [where, 0] };

async function main([folder, profile, name, ...rest]) {
  const [command, least] = COMMANDS[name] ?? [];
  if (!command || rest.length < least) {
    console.error(USAGE);
    process.exit(2);
  }
  await command(new Deployment(folder), profile, ...rest);
}

main(process.argv.slice(2)).catch((error) => {
  if (error instanceof account.TermsNeeded) {
    console.error(`this territory needs the terms ${error.message}: name them after it`);
  } else if (error instanceof account.KeysElsewhere) {
    console.error(`this client makes resident accounts only: ${error.message}`);
  } else if (error instanceof objects.NoSuchObject) {
    console.error(`no object is named ${error.message}`);
  } else {
    console.error(`${error.constructor.name}: ${error.message}`);
  }
  process.exitCode = 1;
});
