"""The deployment as a client must know it: its signed topology, and channels to its services.

The topology is one public file in protobuf text format (docs/topology.md): regions with their roots
and addresses, operators with their keys, and where accounts of a territory live. All operators sign
it. Everything that a service says of itself is checked against it.
"""

import hashlib
from pathlib import Path

import grpc
from google.protobuf import text_format

from canonical import number
from comity.common.v1 import common_pb2
from comity.custody.v1 import custody_pb2, custody_pb2_grpc
from comity.storage.v1 import storage_pb2_grpc
from comity.topology.v1 import topology_pb2
from statements import Statement, Untrusted, finish, read, verify

STORAGE = topology_pb2.SERVICE_KIND_STORAGE
CUSTODY = topology_pb2.SERVICE_KIND_CUSTODY
REVIEW = topology_pb2.SERVICE_KIND_REVIEW
NAMES = {STORAGE: "storage", CUSTODY: "custody", REVIEW: "review"}

CLOCK_SKEW_MS = 5000
LONGEST_ENDORSEMENT_MS = 90 * 24 * 3600 * 1000


class Refused(Exception):
    """A service said no: why, and what to do next."""

    def __init__(self, error):
        self.reason = "UNKNOWN"
        self.remedy = ""
        for key, value in error.trailing_metadata() or ():
            if key == "comity-error-bin":
                info = common_pb2.ErrorInfo.FromString(value)
                name = common_pb2.ErrorReason.Name(info.reason)
                self.reason = name.removeprefix("ERROR_REASON_")
                self.remedy = info.remedy
        super().__init__(f"{error.details()} ({self.reason}). {self.remedy}")


class Deployment:
    """Loads the signed topology in a client bundle (docs/client-bundle.md)."""

    def __init__(self, folder):
        data = Path(folder, "topology.txtpb").read_bytes()
        signature = Statement.from_bytes(Path(folder, "topology.txtpb.sig").read_bytes())
        self.topology = text_format.Parse(data.decode(), topology_pb2.Topology())
        self.name = self.topology.deployment
        self.digest = hashlib.sha256(data).digest()
        self.regions = {region.name: region for region in self.topology.regions}
        self.operators = {operator.name: operator for operator in self.topology.operators}
        self.jurisdictions = {j.code: j.title for j in self.topology.jurisdictions}
        self._check_signatures(signature)

    def _check_signatures(self, signature):
        claim = read(signature, "operator.topology")
        signed = claim.body.pop(16)
        claim.body.pop(17)  # of the serial before
        finish(claim)
        if signed != self.digest or claim.number != self.topology.serial:
            raise Untrusted("the signatures are over another topology")
        for operator in self.operators.values():
            verify(signature, operator.public_key)

    def service(self, region, kind):
        return next(s for s in self.regions[region].services if s.kind == kind)

    def home_of(self, territory, now):
        """The dated home of a territory today: region, and the terms that it needs."""
        by_code = {t.code: t for t in self.topology.territories}
        homes = by_code.get(territory, by_code["*"]).homes
        today = homes[0]
        for home in homes[1:]:
            if _date(getattr(home, "from")) <= now:  # `from` is a word of Python
                today = home
        return today

    def can_compel(self, region, kind):
        """Law of the place, and of the operator's homes: who can compel a service."""
        operator = self.operators[self.service(region, kind).operator]
        return sorted({self.regions[region].jurisdiction, *operator.home_jurisdictions})

    def endorsed_key(self, endorsement, region, kind, now):
        """The statement key of a service, as its operator vouches for it."""
        service = self.service(region, kind)
        claim = read(endorsement, "operator.endorsement")
        kind_named = number(claim.body.pop(16), 1)
        operator_named = claim.body.pop(17).decode()
        key = claim.body.pop(18)
        finish(claim)
        verify(endorsement, self.operators[service.operator].public_key)
        expected = (self.name, region, NAMES[kind].encode(), kind, service.operator)
        said = (claim.deployment, claim.region, claim.subject, kind_named, operator_named)
        if said != expected:
            raise Untrusted("the endorsement is for something else")
        if claim.time > now + CLOCK_SKEW_MS or claim.expiry <= now:
            raise Untrusted("the endorsement is not valid now")
        # In development endorsements live as long as the certificates.
        longest = claim.expiry - claim.time <= LONGEST_ENDORSEMENT_MS
        if not self.topology.development and not longest:
            raise Untrusted("the endorsement is for too long")
        return key

    def connect(self, region, device):
        """Both services that a device calls, in one region."""
        return Connection(self, region, device)

    def now(self, device):
        """The deployment's time, from whichever region comes first."""
        return self.connect(next(iter(self.regions)), device).now()


class Connection:
    """Channels to custody and storage of a region, as a device.

    The device presents a certificate that it signed itself: its key is what counts. The service must
    present one that the region's own root vouches for, with exactly the name that the topology
    gives it.
    """

    def __init__(self, deployment, region, device):
        self.deployment = deployment
        self.region = region
        self._device = device
        self.custody = custody_pb2_grpc.CustodyServiceStub(self._channel(CUSTODY))
        self.storage = storage_pb2_grpc.StorageServiceStub(self._channel(STORAGE))

    def _channel(self, kind):
        service = self.deployment.service(self.region, kind)
        root = self.deployment.regions[self.region].root_certificate
        credentials = grpc.ssl_channel_credentials(
            root.encode(), self._device.private_key_pem(), self._device.certificate_pem()
        )
        name = (
            f"spiffe://{self.region}.{self.deployment.name}/operator/"
            f"{service.operator}/{NAMES[kind]}/0"
        )
        options = (
            # gRPC compares this with every alternative name of the certificate, URIs too. In brackets,
            # or it would take what follows the colon for a port.
            ("grpc.ssl_target_name_override", f"[{name}]"),
            ("grpc.default_authority", NAMES[kind]),
            ("grpc.max_receive_message_length", 4 << 20),
        )
        return grpc.secure_channel(service.address, credentials, options)

    def call(self, method, request, timeout=30):
        """One call; errors become Refused."""
        try:
            return method(request, timeout=timeout)
        except grpc.RpcError as error:
            raise Refused(error) from None

    def stream(self, method, request):
        """The messages of a streamed answer."""
        try:
            yield from method(request)
        except grpc.RpcError as error:
            raise Refused(error) from None

    def now(self):
        """The deployment's time, Unix milliseconds. A development deployment has a clock of its
        own, which its services tell; elsewhere this is the time of day."""
        status = self.call(self.custody.GetStatus, custody_pb2.GetStatusRequest()).status
        return status.time_ms


def _date(text):
    from datetime import datetime, timezone

    moment = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
    return int(moment.timestamp() * 1000)
