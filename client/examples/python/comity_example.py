#!/usr/bin/python3
"""A small client of Comity in Python, written from the wire contract and the formats alone.

    comity_example.py --bundle DIR --profile DIR create TERRITORY [--accept-terms VERSION]
    comity_example.py --bundle DIR --profile DIR put FILE [NAME]
    comity_example.py --bundle DIR --profile DIR get NAME FILE
    comity_example.py --bundle DIR --profile DIR ls
    comity_example.py --bundle DIR --profile DIR where
"""

import argparse
import datetime
import os
import sys

import account
import key_location
import objects
import streaming
from canonical import Malformed, base32
from deployment import Deployment, Refused
from device import Device, Profile
from statements import Untrusted


def create(deployment, arguments):
    code = None
    if not os.path.exists(os.path.join(arguments.profile, "account.json")):
        # A statement says when it was signed, so somebody must be asked for the time first.
        device = Device.generate()
        now = deployment.now(device)
        _, code = Profile.create(arguments.profile, deployment.name, device, now)
    profile = Profile(arguments.profile)
    now = deployment.now(profile.device)
    view = account.create(deployment, profile, arguments.territory, arguments.accept_terms, now)
    print(f"account        {base32(view.account_id)}")
    print(f"region         {view.home_region}, epoch {view.account_epoch}")
    if code:
        print(f"recovery code  {code}")


def put(deployment, arguments):
    profile = Profile(arguments.profile)
    connection = deployment.connect(profile.home_region, profile.device)
    name = arguments.name or os.path.basename(arguments.file)
    stored = objects.put(connection, profile.account, name, arguments.file)
    print(f"stored {stored.name}  version {stored.version}  {stored.size} bytes")


def get(deployment, arguments):
    profile = Profile(arguments.profile)
    connection = deployment.connect(profile.home_region, profile.device)
    stored = objects.get(connection, profile.account, arguments.name, arguments.file)
    print(f"wrote {arguments.file}  {stored.size} bytes")


def ls(deployment, arguments):
    profile = Profile(arguments.profile)
    connection = deployment.connect(profile.home_region, profile.device)
    for name, stored in sorted(objects.list_objects(connection, profile.account).items()):
        print(f"{stored.size:12}  v{stored.version}  {name}")


def where(deployment, arguments):
    profile = Profile(arguments.profile)
    connection = deployment.connect(profile.home_region, profile.device)
    found = key_location.ask(deployment, connection, profile, connection.now())
    state = "active" if found.active else "NOT active"
    print(f"{state} in region {found.region}, operated by {found.operator}")
    print(f"can compel it: {', '.join(deployment.jurisdictions[c] for c in found.can_compel)}")
    print(f"sealed by {found.seal}, key version {found.newest_version}")
    if found.scheduled_region:
        day = datetime.datetime.utcfromtimestamp(found.scheduled_time / 1000).date()
        print(f"announced: to {found.scheduled_region}, not before {day}, with your consent only")


def main():
    parser = argparse.ArgumentParser(description="A small client of Comity in Python.")
    parser.add_argument("--bundle", required=True, help="folder that `comity bundle -o` wrote")
    parser.add_argument("--profile", required=True, help="folder of the device's keys")
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("create", help="make device keys and an account")
    command.add_argument("territory")
    command.add_argument("--accept-terms", default="")
    command.set_defaults(run=create)
    command = commands.add_parser("put", help="encrypt a file and store it")
    command.add_argument("file")
    command.add_argument("name", nargs="?")
    command.set_defaults(run=put)
    command = commands.add_parser("get", help="read a file back, verified")
    command.add_argument("name")
    command.add_argument("file")
    command.set_defaults(run=get)
    command = commands.add_parser("ls", help="list the objects")
    command.set_defaults(run=ls)
    command = commands.add_parser("where", help="where is the key, and who can compel it?")
    command.set_defaults(run=where)

    arguments = parser.parse_args()
    try:
        arguments.run(Deployment(arguments.bundle), arguments)
    except account.TermsNeeded as terms:
        sys.exit(f"this territory needs the terms {terms}: say --accept-terms {terms}")
    except account.KeysElsewhere as elsewhere:
        sys.exit(f"this client makes resident accounts only: {elsewhere}")
    except objects.NoSuchObject as name:
        sys.exit(f"no object is named {name}")
    except (Refused, Untrusted, Malformed, streaming.Corrupt) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
