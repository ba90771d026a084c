"""``trace setup`` without a kernel: what the script refuses, and what it makes of a BTF."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.trace_setup import setup
from harness.errors import UsageError
from harness.trace.setup.events import EVENTS, STANDARD
from harness.trace.setup.script import setup_script
from tests.conformance.fake_btf import UNION, Btf

README = Path(__file__).parents[2] / "harness" / "trace" / "setup" / "README.md"


def types(*, moved: int = 0, packed: bool = False) -> Btf:
    """A kernel with a few of KVM's structures; ``moved`` bytes lie before everything."""
    btf = Btf()
    u8, u32, u64 = (btf.integer(f"u{8 * size}", size) for size in (1, 4, 8))
    s32 = btf.integer("int", 4, signed=True)
    vcpu, irq = 100, 101  # forward references, put in order below
    pointer, irq_pointer = btf.pointer(vcpu), btf.pointer(irq)
    node = btf.struct(
        "list_head", 16, ("next", len(btf.types) + 2, 0), ("prev", len(btf.types) + 2, 8)
    )
    btf.pointer(node)
    registers = btf.array(u64, 16)
    v3 = btf.struct(
        "vgic_v3_cpu_if", 152, ("vgic_hcr", u32, 0), ("vgic_vmcr", u32, 4),
        ("vgic_lr", registers, 8), ("used_lrs", u32, 136),
    )  # fmt: skip
    v2 = btf.struct("vgic_v2_cpu_if", 8, ("vgic_hcr", u32, 0), ("vgic_vmcr", u32, 4))
    either = btf.struct("", 152, ("vgic_v2", v2, 0), ("vgic_v3", v3, 0), kind=UNION)
    cpu = btf.struct(
        "vgic_cpu", 184, ("", either, 0), ("private_irqs", irq_pointer, 152),
        ("ap_list_head", node, 160),
    )  # fmt: skip
    config = btf.enum("vgic_irq_config", "EDGE", "LEVEL")
    arch = btf.struct("kvm_vcpu_arch", 200, ("vgic_cpu", cpu, 8))
    btf.function("kvm_vgic_flush_hwstate", ("vcpu", pointer))
    btf.function("kvm_arch_vcpu_ctxflush_fp", ("vcpu", pointer))
    btf.function("vgic_v3_populate_lr", ("vcpu", pointer), ("irq", irq_pointer), ("lr", s32))
    btf.function("kvm_vgic_inject_irq", ("kvm", u64), ("cpuid", s32), ("intid", u32))
    while len(btf.types) < vcpu - 1:
        btf.integer(f"filler{len(btf.types)}", 4)
    btf.struct(
        "kvm_vcpu", 300 + moved, ("vcpu_id", s32, 36 + moved), ("requests", u64, 40 + moved),
        ("arch", arch, 64 + moved),
    )  # fmt: skip
    if packed:
        btf.packed("vgic_irq", 48, ("intid", u32, 32, 0), ("ap_list", node, 64, 0),
                   ("line_level", u8, 194, 1), ("config", config, 193, 1))  # fmt: skip
    else:
        btf.struct("vgic_irq", 48, ("intid", u32, 4), ("ap_list", node, 8),
                   ("line_level", u8, 24), ("config", config, 28))  # fmt: skip
    return btf


def host(root: Path, btf: Btf | None = None) -> Path:
    """What the script looks at, under a folder."""
    tracing = root / "sys/kernel/tracing"
    for folder in ("events/kvm", "instances"):
        (tracing / folder).mkdir(parents=True)
    (tracing / "kprobe_events").touch()
    for path, content in {
        "sys/kernel/btf/vmlinux": (btf or types()).content(),
        "dev/kvm": b"",
        "proc/interrupts": b"11:  5  GICv3  30 Level  arch_timer\n",
        "proc/kallsyms": b"".join(
            b"0000000000000000 T %s\n" % name.encode()
            for name in ("kvm_vgic_flush_hwstate", "kvm_arch_vcpu_ctxflush_fp",
                         "vgic_v3_populate_lr", "vgic_queue_irq_unlock", "kvm_vgic_inject_irq")
        ),
    }.items():  # fmt: skip
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def run(root: Path, *arguments: str, gic: int | None = None) -> subprocess.CompletedProcess[str]:
    script = root / "record.sh"
    script.write_text(setup_script(gic))
    environment = {**os.environ, "VGIC_RACE_SYSROOT": str(root), "TMPDIR": str(root)}
    done = subprocess.run(
        ["sh", str(script), *arguments],
        env=environment, cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert list(root.glob("tmp.*")) == []
    assert list((root / "sys/kernel/tracing/instances").glob("*")) == []
    return done


def probes(root: Path, *arguments: str, gic: int | None = None) -> dict[str, str]:
    done = run(root, "-n", *arguments, gic=gic)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    return {
        line.split()[0].split("/")[1]: line for line in lines if line.startswith(("p:", "r64:"))
    }


# -- what it makes of a BTF ------------------------------------------------------------------------


def test_offsets_come_from_the_btf(tmp_path: Path) -> None:
    found = probes(host(tmp_path))
    assert found["flush"].split()[1:] == [
        "kvm_vgic_flush_hwstate", "vcpu=+36(%x0):s32", "v_line=+1320(+224(%x0)):u8",
        "req=+40(%x0):x64", "vmcr=+76(%x0):x32",
    ]  # fmt: skip
    assert "lr3=+104(%x0):x64 v_line" in found["lr_entry"]
    assert "n1=+0(+232(%x0)):x64 i1=-4(+0(+232(%x0))):u32 n2=" in found["entry_list"]
    assert found["inject"].split()[2:] == ["cpuid=%x1:s32", "intid=%x2:u32"]


def test_a_member_that_moved_is_followed(tmp_path: Path) -> None:
    found = probes(host(tmp_path, types(moved=16)))
    assert "vcpu=+52(%x0):s32 v_line=+1320(+240(%x0)):u8" in found["flush"]


def test_bit_fields(tmp_path: Path) -> None:
    found = probes(host(tmp_path, types(packed=True)))
    assert "line=+24(%x1):b1@2/8 cfg=+24(%x1):b1@1/8" in found["populate_lr3"]


def test_a_global_function_without_btf_is_probed_by_the_calling_convention(tmp_path: Path) -> None:
    root = host(tmp_path)
    assert probes(root)["queue_irq"].split()[1:4] == [
        "vgic_queue_irq_unlock", "intid=+4(%x1):u32", "line=+24(%x1):u8",
    ]  # fmt: skip
    symbols = root / "proc/kallsyms"
    symbols.write_text(symbols.read_text().replace("T vgic_queue", "t vgic_queue"))
    assert "queue_irq" not in probes(root)


def test_what_the_kernel_lacks_is_named(tmp_path: Path) -> None:
    done = run(host(tmp_path), "-n")
    assert "- maint this kernel has no function vgic_maintenance_handler" in done.stdout
    assert "-field populate_lr3 prio" in done.stdout


def test_as_many_list_registers_as_are_said(tmp_path: Path) -> None:
    root = host(tmp_path)
    assert " lr15=" in probes(root, "-l", "16")["lr_entry"]
    assert " lr4=" not in probes(root)["lr_entry"]


def test_a_gicv2_has_its_own_registers(tmp_path: Path) -> None:
    root = host(tmp_path)
    (root / "proc/interrupts").write_text("11:  5  GIC-0  30 Level  arch_timer\n")
    assert "vmcr=+76(%x0):x32" in probes(root, gic=2)["flush"]
    assert " lr0=" not in probes(root)["lr_entry"]


# -- what it refuses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("sys/kernel/btf/vmlinux", "has no BTF"),
        ("dev/kvm", "no KVM"),
        ("sys/kernel/tracing/kprobe_events", "no kprobe events"),
        ("sys/kernel/tracing/events/kvm", "no events of KVM"),
        ("sys/kernel/tracing/events", "tracefs is not mounted"),
    ],
)
def test_it_refuses_where_something_is_missing(tmp_path: Path, missing: str, reason: str) -> None:
    path = host(tmp_path) / missing
    if missing.endswith("events"):
        (path / "kvm").rmdir() if path.is_dir() else None
    path.rmdir() if path.is_dir() else path.unlink()
    done = run(tmp_path, "-n")
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_it_refuses_another_recording(tmp_path: Path) -> None:
    (host(tmp_path) / "sys/kernel/tracing/events/kp").mkdir()
    assert "kprobe events of the group kp already" in run(tmp_path, "-n").stderr


def test_it_refuses_a_kernel_locked_down(tmp_path: Path) -> None:
    lockdown = host(tmp_path) / "sys/kernel/security/lockdown"
    lockdown.parent.mkdir()
    lockdown.write_text("none integrity [confidentiality]\n")
    assert run(tmp_path, "-n").stderr == (
        "vgic-race: the kernel is locked down (confidentiality): it forbids kprobes\n"
    )
    lockdown.write_text("none [integrity] confidentiality\n")
    assert run(tmp_path, "-n").returncode == 0


def test_it_refuses_another_gic(tmp_path: Path) -> None:
    done = run(host(tmp_path), "-n", gic=2)
    assert done.returncode == 2
    assert "this host has a GICv3, and the script was made with --gic 2" in done.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no BTF of this machine's byte order"),
        (types().content()[1:], "is no BTF of this machine's byte order"),
        (types().content()[:24] + b"\0\0\0\0\0\0\0\x1f\0\0\0\0" * 400, "know a type of kind 31"),
    ],
    ids=["empty", "shifted", "unknown kind"],
)
def test_it_refuses_a_btf_that_it_cannot_read(tmp_path: Path, content: bytes, reason: str) -> None:
    root = host(tmp_path)
    (root / "sys/kernel/btf/vmlinux").write_bytes(content)
    done = run(root, "-n")
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr


@pytest.mark.parametrize("arguments", [("-s", "x"), ("-b",), ("-z",), ("-p", "nothing")])
def test_it_refuses_bad_options(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(host(tmp_path), *arguments)
    assert done.returncode == 2
    assert done.stderr
    assert done.stdout == ""


def test_it_refuses_probes_of_another_kernel(tmp_path: Path) -> None:
    root = host(tmp_path)
    kept = run(root, "-n").stdout
    (root / "probes").write_text(kept.replace(os.uname().release, "9.9"))
    assert "is not what -n printed on this kernel" in run(root, "-p", "probes").stderr


def test_it_refuses_who_is_not_root(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh"], input=setup_script(), env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "vgic-race: must run as root\n")


# -- the command -----------------------------------------------------------------------------------


def test_the_command_prints_the_script() -> None:
    result = CliRunner().invoke(setup, ["--gic", "2"])
    assert result.exit_code == 0
    assert result.output == setup_script(2)
    assert result.output.startswith("#!/bin/sh\n")
    assert not re.search(r"@[A-Z_]+@", result.output)


def test_the_command_refuses_another_gic() -> None:
    with pytest.raises(UsageError, match="--gic is 2 or 3, not 4"):
        setup_script(4)


def test_every_event_is_documented() -> None:
    text = README.read_text()
    assert len(EVENTS) == len({probe.name for probe in EVENTS})
    for probe in EVENTS[1:]:
        assert f"`{probe.name}`" in text, probe.name
    assert len(STANDARD) > 5
