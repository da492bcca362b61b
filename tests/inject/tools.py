# SPDX-License-Identifier: Apache-2.0
"""Where things are: directories, and the source lines of addresses."""
import os
import subprocess
import threading


class Tools:
    def __init__(self, source, build, scratch):
        self.source = source
        self.build = build
        self.scratch = scratch
        self.shim = f"{build}/tests/inject/.libs/libfail-calls.so"
        self.lines = {}  # of (program, address): "function (file:line)"
        self.lock = threading.Lock()
        self.lock_of_cases = threading.Lock()
        self.n_directories = 0

    def directory(self, name):
        with self.lock:
            self.n_directories += 1
            path = f"{self.scratch}/{name}.{self.n_directories}"
        os.makedirs(path)
        return path

    def program(self, case, process):
        """The file that such a process runs."""
        name = process.rsplit(".", 1)[0]
        if hasattr(case, "program"):
            return case.program()
        others = {"async-workflow-agent": "async-workflow-agent", "sbatch": "slurm/sbatch"}
        return f"{self.build}/helpers/{others.get(name, 'async-workflow-main')}"

    def look_up(self, program, addresses):
        """Looks up the source lines of return addresses, many at once, as that is much faster."""
        with self.lock:
            missing = sorted({a for a in addresses if a != "-" and (program, a) not in self.lines})
            if not missing:
                return
            # A return address is that of the next instruction.
            words = [hex(int(address, 16) - 1) for address in missing]
            out = subprocess.run(["addr2line", "-f", "-e", program], input="\n".join(words) + "\n",
                                 capture_output=True, text=True, check=True).stdout.splitlines()
            for i, address in enumerate(missing):
                place = out[2 * i + 1].split(" (")[0]
                path = os.path.relpath(os.path.realpath(place), os.path.realpath(self.source))
                self.lines[program, address] = (out[2 * i], path if not place.startswith("??") else "?")

    def line(self, program, address):
        self.look_up(program, [address])
        return self.lines[program, address]

    def in_helpers(self, program, address):
        return address != "-" and self.line(program, address)[1].startswith(("helpers/", "plugin/"))

    def where(self, case, line, n=4):
        """The innermost own functions of a line of the log."""
        program = self.program(case, line.process)
        own = [self.line(program, address) for address in line.stack if address != "-"][:n]
        return " < ".join(f"{function} ({place})" for function, place in own) or "?"
