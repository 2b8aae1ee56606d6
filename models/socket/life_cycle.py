# SPDX-License-Identifier: Apache-2.0
"""The whole life of a TDI through a socket: the golden TSM, a tenant, and the host's own side.

The socket carries DOE objects only. What the VMM has set up is taken from the server's
configuration instead of being read, and the host's end of the stream stays without traffic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography import x509

from models.socket.config import ConfigError, ServerConfig
from models.socket.model_device import NoRootOfTrust, make_host, set_up
from models.spdm.errors import SpdmError
from models.spdm.signing import Entropy
from models.tdisp.nonces import RandomNonces
from models.transport import Transport
from models.tsm.errors import TsmError
from models.tsm.ports import Assignment
from models.tsm.tenant import TvmTenant
from models.tsm.trace import Observer, ignore
from models.tsm.tsm import Parties, Tsm

REPORTING_OFFSET = 0x7000_0000_0000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which device the client expects, and which of its functions it attaches."""

    config: ServerConfig
    trusted_roots: Sequence[x509.Certificate]
    measurements: Mapping[int, bytes]  # by index; each must be there and equal
    function: int = 1  # 0 is the physical function, n is VF n


class LifeCycle:
    """One TSM for one life: from discovery to END_SESSION."""

    def __init__(
        self,
        transport: Transport,
        wanted: Wanted,
        entropy: Entropy,
        observer: Observer = ignore,
    ) -> None:
        config = wanted.config
        if not 0 <= wanted.function <= config.place.vfs:
            raise ConfigError(f"function {wanted.function}: there are {config.place.vfs} VFs")
        host = make_host(config, lambda _: NoRootOfTrust(), RandomNonces(entropy))
        set_up(host, config)
        parties = Parties(transport, host, wanted.trusted_roots, config.ide.port_index)
        self.tsm = Tsm(parties, entropy, observer=observer, spdm=config.requester)
        self.pf_rid = config.place.pf_rid
        self.assignment = Assignment(
            rid=host.rid(wanted.function),
            bars=host.bars(wanted.function),
            bar_sizes=config.profile.bar_sizes,
            stream_id=config.ide.default,
            pasid=config.profile.pasid_of(wanted.function),
            mmio_reporting_offset=REPORTING_OFFSET,
        )
        self.tenant = TvmTenant("TVM", self.assignment, wanted.measurements)

    async def run(self) -> None:
        """All of it; TsmError with the reason when a step fails."""
        tsm, assignment = self.tsm, self.assignment
        await tsm.connect()
        await self._beat()
        await tsm.protect(assignment.stream_id, self.pf_rid)
        await self._beat()
        handle = await tsm.attach(assignment)
        await self._beat()
        await tsm.lock(handle, self.tenant)
        await self._beat()
        await tsm.read_report(handle)
        await self._beat()
        await tsm.start(handle, self.tenant)
        await self._beat()
        await tsm.stop(handle)
        await self._beat()
        await tsm.close()

    async def _beat(self) -> None:
        """HEARTBEAT, if the session has a period: IDE_KM and TDISP do not count as one."""
        session = self.tsm.session
        if session is None or not session.parameters.heartbeat_period:
            return
        try:
            await session.heartbeat()
        except SpdmError as error:
            await self.tsm.abandon()
            raise TsmError(f"heartbeat: {error}") from error
