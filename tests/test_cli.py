"""The command `rushlight`: what it prints, what the programs it runs see, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from xml.etree import ElementTree

import pytest

import rushlight
from rushlight import _allocator, _cli, _demo, _doctor
from rushlight._data import digits

SOURCE = str(Path(rushlight.__file__).parents[1])


def command(*args: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """`rushlight ARGS` as a process of its own."""
    env = {**os.environ, "PYTHONPATH": SOURCE, "COLUMNS": "100", **environment}
    line = [sys.executable, "-m", "rushlight", *args]
    return subprocess.run(line, capture_output=True, text=True, env=env, cwd=cwd, timeout=120)


@pytest.fixture
def script(tmp_path: Path):
    """Writes a program and gives its path."""

    def write(text: str, name: str = "program.py") -> str:
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return str(path)

    return write


# ---- the command line itself


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        _cli.main(["--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(name in text and entry.summary in text for name, entry in _cli.COMMANDS.items())


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["run"], ["demo", "--epochs", "0"]])
def test_a_wrong_command_line_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        _cli.main(arguments)
    assert ended.value.code == 2
    assert "usage: rushlight" in capsys.readouterr().err


def test_version() -> None:
    assert command("--version").stdout == "rushlight 0.1.0 (PyTorch 2.13.0)\n"


# ---- run


def test_run_shows_the_program_what_python_would(script, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("import torch\nvalue = 'rushlight' in torch.__version__\n")
    path = script("""
        import sys
        import beside
        import torch.nn.functional as F
        print(sys.argv, __name__, __file__, sys.path[0], __package__, beside.value)
        print(sys.modules["__main__"].F is F)
    """)
    done = command("run", path, "--lr", "3", "-h")
    first, second = done.stdout.splitlines()
    assert first == f"{[path, '--lr', '3', '-h']} __main__ {path} {tmp_path} None True", done.stderr
    assert second == "True"
    assert done.returncode == 0 and done.stderr == ""


def test_run_a_module(script, tmp_path: Path) -> None:
    script("import sys, torch\nprint(sys.argv[1:], 'rushlight' in torch.__version__, __name__)\n", "module.py")
    done = command("run", "-m", "module", "a", "-b", cwd=tmp_path)
    assert done.stdout == "['a', '-b'] True __main__\n", done.stderr


def test_run_a_folder(script, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    script("import torch, part\nprint('rushlight' in torch.__version__, part.x)\n", "app/__main__.py")
    script("x = 1\n", "app/part.py")
    assert command("run", str(tmp_path / "app")).stdout == "True 1\n"


def test_a_traceback_begins_in_the_program(script) -> None:
    path = script("""\
        import torch

        def f():
            raise ValueError("mine")

        f()
    """)
    done = command("run", path)
    lines = [line.strip() for line in done.stderr.splitlines() if not set(line.strip()) <= set("~^")]
    assert lines == [
        "Traceback (most recent call last):",
        f'File "{path}", line 6, in <module>',
        "f()",
        f'File "{path}", line 4, in f',
        'raise ValueError("mine")',
        "ValueError: mine",
    ]
    assert done.returncode == 1


def test_a_syntax_error_shows_only_the_program(script) -> None:
    path = script("x = (\n")
    done = command("run", path)
    assert done.returncode == 1
    assert done.stderr.startswith(f'  File "{path}", line 1') and "rushlight" not in done.stderr


@pytest.mark.parametrize(
    ("statement", "code"), [("sys.exit(7)", 7), ("sys.exit()", 0), ("raise KeyboardInterrupt", 130)]
)
def test_exit_status(script, statement: str, code: int) -> None:
    assert command("run", script(f"import sys\n{statement}\n")).returncode == code


def test_no_such_file() -> None:
    done = command("run", "nowhere.py")
    assert done.returncode == 2 and "no such file: 'nowhere.py'" in done.stderr


def test_classes_of_the_program_pickle(script) -> None:
    path = script("""
        import pickle, torch

        class Mine:
            pass

        assert type(pickle.loads(pickle.dumps(Mine()))) is Mine
        print("found")
    """)
    assert command("run", path).stdout == "found\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_the_program_have_the_alias_too(script, method: str) -> None:
    path = script("""
        import multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor
        import torch
        from torch import nn

        def work(n):
            import torch
            import torch.nn.functional as F
            return torch.__name__, F.__name__, n + 1

        if __name__ == "__main__":
            with ProcessPoolExecutor(1, multiprocessing.get_context(sys.argv[1])) as pool:
                print(list(pool.map(work, [1])))
    """)
    done = command("run", path, method)
    assert done.stdout == "[('torch', 'rushlight.nn.functional', 2)]\n", done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_interrupt_from_the_keyboard(script) -> None:
    path = script("""
        import time
        print("ready", flush=True)
        time.sleep(60)
    """)
    env = {**os.environ, "PYTHONPATH": SOURCE}
    line = [sys.executable, "-m", "rushlight", "run", path]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "KeyboardInterrupt" and "_run.py" not in errors


# ---- doctor


def test_doctor_as_json() -> None:
    done = command("doctor", "--json")
    facts = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert facts["rushlight"]["version"] == "0.1.0"
    assert facts["machine"]["cores allowed"] >= 1
    assert facts["blas"]["library"]
    assert "GFLOP/s" in facts["speed"]["matrix product"] and " us " in facts["speed"]["recorded operation"]
    assert isinstance(facts["advice"], list)


def test_doctor_asks_openblas_itself() -> None:
    import numpy as np

    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
    if "openblas" not in built or not sys.platform.startswith("linux"):
        pytest.skip(f"NumPy uses {built} here")
    blas = json.loads(command("doctor", "--json", OPENBLAS_NUM_THREADS="1").stdout)["blas"]
    assert blas["threads"] == 1 and blas["kernel"] and "OpenBLAS" in blas["configuration"]


def test_doctor_in_words() -> None:
    text = command("doctor").stdout
    assert [line for line in text.splitlines() if line and line[0] != " "] == [
        "rushlight", "python", "machine", "numpy", "blas", "companions", "torch", "speed", "advice",
    ]  # fmt: skip
    assert max(map(len, text.split("advice")[1].splitlines())) <= 100


FACTS = {
    "rushlight": {"allocator": "untouched"},
    "machine": {"cores allowed": 2.0},
    "blas": {"library": "scipy-openblas 0.3", "kernel": "Haswell", "threads": 2},
    "companions": {"numba": "0.61"},
}


@pytest.mark.parametrize(
    ("section", "change", "words"),
    [
        ("blas", {"kernel forced": "Nehalem"}, "unset OPENBLAS_CORETYPE"),
        ("blas", {"threads": 64}, "set OPENBLAS_NUM_THREADS=2"),
        ("blas", {"threads": 1, "OMP_NUM_THREADS": "1"}, "because OMP_NUM_THREADS=1"),
        ("companions", {"numba": None}, r"pip install 'rushlight\[numba\]'"),
    ],
)
def test_advice(section: str, change: dict, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUSHLIGHT_MALLOC", raising=False)
    assert _doctor.advice(FACTS) == []
    (counsel,) = _doctor.advice({**FACTS, section: {**FACTS[section], **change}})
    assert re.search(words, counsel)


def test_an_unknown_blas_is_named() -> None:
    facts = {**FACTS, "blas": {"library": "mkl-sdl 2024"}}
    assert any("mkl-sdl 2024" in text for text in _doctor.advice(facts))


def test_the_allocator_is_left_alone_on_request() -> None:
    program = "import rushlight._allocator as a; print(a.status)"
    env = {**os.environ, "PYTHONPATH": SOURCE, "RUSHLIGHT_MALLOC": "system"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, timeout=60)
    assert done.stdout == "left alone (RUSHLIGHT_MALLOC=system)\n", done.stderr
    assert _allocator.status != "untouched", "rushlight/__init__ calls tune()"


@pytest.mark.parametrize(
    ("first", "given", "asked", "said"),
    [
        ("rushlight", None, "20", "2^20 cycles"),
        ("numpy", None, "None", "OpenBLAS's own (NumPy was imported before Rushlight)"),
        ("rushlight", "12", "12", "2^12 cycles (OPENBLAS_THREAD_TIMEOUT is set)"),
    ],
)
def test_blas_threads_are_asked_to_sleep_before_numpy_is_there(
    first: str, given: str | None, asked: str, said: str
) -> None:
    program = f"import {first}, os, rushlight._blas_wait as w; print(os.environ.get('OPENBLAS_THREAD_TIMEOUT')); print(w.status)"
    env = {**os.environ, "PYTHONPATH": SOURCE}
    env.pop("OPENBLAS_THREAD_TIMEOUT", None)
    if given:
        env["OPENBLAS_THREAD_TIMEOUT"] = given
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, timeout=60)
    assert done.stdout == f"{asked}\n{said}\n", done.stderr


# ---- demo and data


def test_digits() -> None:
    images, labels = digits()
    assert images.shape == (1797, 1, 8, 8) and images.dtype == "float32" and images.min() == 0 and images.max() == 1
    assert labels.dtype == "int64" and sorted(set(labels.tolist())) == list(range(10))
    assert float(images.sum()) == 561718 / 16  # the sum of all pixels of the original


def test_the_demo_writes_what_it_says(tmp_path: Path) -> None:
    done = command("demo", "--epochs", "2", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "held-out digits" in done.stdout and "46/46 steps" in done.stderr
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert all(str(tmp_path / "out" / name) in done.stdout for name in written)
    assert {"loss.svg", "digits.safetensors"} <= set(written)
    for picture in (tmp_path / "out").glob("*.svg"):
        assert ElementTree.parse(picture).getroot().tag.endswith("svg")


@pytest.mark.slow
def test_the_demo_learns(tmp_path: Path) -> None:
    program = """
import sys
from rushlight._demo import load_program, install_as_torch
install_as_torch()
result = load_program().train()
sys.exit(f"{result.accuracy} in {result.seconds} s" if result.accuracy < 0.975 else 0)
"""
    env = {**os.environ, "PYTHONPATH": SOURCE}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == 0, done.stderr


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = command("demo", "--out", str(tmp_path / "file" / "out"))
    assert done.returncode == 1 and "cannot write into" in done.stderr and "--out" in done.stderr


def test_line_chart_escapes_and_leaves_gaps() -> None:
    text = _demo.line_chart({"<b>&": [1.0, float("nan"), float("inf"), 2.0]}, title="a < b", x_label="x", y_label="y")
    root = ElementTree.fromstring(text)
    assert [node.text for node in root.iter("{http://www.w3.org/2000/svg}text") if node.text and "<" in node.text] == [
        "a < b",
        "<b>&",
    ]
    assert "nan" not in text and "inf" not in text


@pytest.mark.parametrize(("low", "high"), [(0, 0), (0, 1e-7), (-3, 17), (5, 5), (0, 2.29), (-1e9, 1e9)])
def test_ticks_are_round_and_enclose(low: float, high: float) -> None:
    ticks = _demo._ticks(low, high)
    assert ticks[0] <= low and ticks[-1] >= high and 2 <= len(ticks) <= 9
    assert ticks == sorted(set(ticks))
