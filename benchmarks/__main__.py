# ruff: noqa: T201
"""`python -m benchmarks`: run each claim, print what was measured beside what it is compared with."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(names: list[str]) -> int:
    """Run the claims of these names, or all of them; return the exit code."""
    from benchmarks import transfer
    from cnn_core.networks import backbones, devices

    claims = {"frozen": transfer.frozen}
    if unknown := set(names) - claims.keys():
        print(f"There is no benchmark {sorted(unknown)[0]!r}; choose of {', '.join(claims)}.", file=sys.stderr)
        return 2
    print(f"{devices.find()}; {transfer.OPTIONS.epochs} epochs on the sample set `textures`")
    backbones.build(backbones.DEFAULT)  # the first use of Keras is nobody's cost
    for name in names or claims:
        slowest = 0.0
        for what, seconds, accuracy in claims[name]():
            slowest = slowest or seconds
            ratio = f"{slowest / seconds:.1f} x"
            print(f"{what:<56} {seconds:8.2f} s  {ratio:>8}  validation {accuracy:.3f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
