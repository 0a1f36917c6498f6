# SPDX-License-Identifier: MIT
"""The installed package: the example built from outside with find_package(baton)."""
import shutil
import subprocess

from suite_binary import BUILD, SOURCE


def shell(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_example_builds_against_the_installed_package():
    folder = BUILD / "tests/suite/package"
    shutil.rmtree(folder, ignore_errors=True)
    prefix = folder / "prefix"
    shell("cmake", "--install", BUILD, "--prefix", prefix, "--component", "library")
    assert (prefix / "include/baton/detail/print.h").exists()
    cache = (BUILD / "CMakeCache.txt").read_text()
    sanitize = [line.split("=", 1)[1] for line in cache.splitlines()
                if line.startswith("BATON_SANITIZE:")][0]
    flags = f"-fsanitize={sanitize}" if sanitize else ""
    shell("cmake", "-G", "Ninja", "-S", SOURCE / "examples/cpp-suite", "-B", folder / "build",
          f"-DCMAKE_PREFIX_PATH={prefix}",
          f"-DCMAKE_CXX_FLAGS={flags} -Wall -Wextra -Wconversion -Werror")
    shell("cmake", "--build", folder / "build")
    out = shell(folder / "build/shop")
    assert "PASSED · 6 tests: 6 passed" in out
