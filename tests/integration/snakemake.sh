# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Pipelines of Snakemake 7, for tests that source this after lib.sh.

# pipeline DIR FILES OPTIONS KEYS: a directory with a Snakefile that makes FILES, and w.json, which runs Snakemake with OPTIONS
# in one task with KEYS. A job notes when another instance of it runs at the same time, and each of its runs.
pipeline ()
{
    mkdir "$1" && cat >"$1/Snakefile" <<END &&
rule all:
    input: $2
rule make:
    output: "part.{n}.txt"
    shell: "flock -n lock.{wildcards.n} sh -c 'echo {wildcards.n} >>began; sleep 1; echo {wildcards.n} >{output}; echo {wildcards.n} >>ran' || {{ echo {wildcards.n} >>twice; false; }}"
rule bad:
    output: "bad.txt"
    shell: "exit 3"
END
    cat >"$1/client" <<END &&
#!/bin/sh
echo \$\$ >pid
snakemake --unlock 2>/dev/null
exec snakemake --rerun-incomplete --keep-going --jobs 8 --latency-wait 5 $3
END
    chmod +x "$1/client" &&
    printf '{ "async-workflow": 1, "tasks": { "client": { "command": ["./client"], %s } } }\n' "$4" >"$1/w.json"
}
