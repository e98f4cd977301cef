"""The trail of one product of one capture in one arm: contiguous steps, each with its cost."""

from __future__ import annotations

from orbitloom.wire import LedgerRow, Product, WaitCause

__all__ = ["Trail"]


class Trail:
    """Collects ledger rows that cannot leave a gap: each step starts where the last one ended.

    Parameters
    ----------
    arm, capture, product
        Whose trail it is.
    start_ns
        The middle of the capture, from which latency counts; of words, when their making begins.
    """

    def __init__(self, arm: str, capture: int, start_ns: int, product: Product = "answer") -> None:
        self.arm = arm
        self.capture = capture
        self.product = product
        self.start_ns = start_ns
        self.now_ns = start_ns
        self.rows: list[LedgerRow] = []
        self.downlinked_bytes = 0
        self.laser_bytes = 0
        self.place = ""

    def step(
        self,
        step: str,
        node: str,
        end_ns: int,
        *,
        bytes_in: int = 0,
        bytes_out: int = 0,
        joules: float = 0.0,
        wait_cause: WaitCause = "",
    ) -> None:
        """Add a step that ends at `end_ns`; a wait of no length leaves no row."""
        if end_ns < self.now_ns:
            raise ValueError(f"{step} of capture {self.capture} would end before it starts")
        if wait_cause and end_ns == self.now_ns:
            return
        self.rows.append(
            LedgerRow(
                arm=self.arm,
                capture=self.capture,
                product=self.product,
                node=node,
                step=step,
                start_ns=self.now_ns,
                end_ns=end_ns,
                bytes_in=bytes_in,
                bytes_out=bytes_out,
                joules=joules,
                wait_cause=wait_cause,
            )
        )
        self.now_ns = end_ns

    def wait(self, node: str, end_ns: int, cause: WaitCause) -> None:
        """Add a wait until `end_ns`."""
        self.step("wait", node, end_ns, wait_cause=cause)

    @property
    def joules(self) -> float:
        """Energy spent on this capture so far."""
        return sum(row.joules for row in self.rows)
