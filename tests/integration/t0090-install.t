#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='make install, and that the packages have what it installs'

. "$(dirname "$0")/lib.sh"

root=$(mktemp -d) # automake cannot install to a path with a blank
at_exit_also="rm -rf $root"
for name in prefix bindir libdir libexecdir; do
    eval "$name=\$(make -s -C \"\$top_builddir/helpers\" --eval 'say: ; @echo \$($name)' say)"
done

# Where debian/rules puts what is in these directories.
as_packaged ()
{
    sed "/\.l\?a\$/d; /doc\/slurm-async-workflow\/LICENSE\$/d
        s|.*/async_workflow\.conf\$|etc/slurm/plugstack.conf.d/async_workflow.conf|
        s|^.*/async_workflow\.so\$|usr/lib/x/slurm-wlm/async_workflow.so|
        s|^$libexecdir/|usr/lib/x/|; s|^$libdir/|usr/lib/x/|; s|^$prefix/|usr/|"
}

# Prints each file that no pattern matches, and each pattern that matches no file. A pattern is also a directory.
mismatches ()
{
    while read -r pattern; do
        any=
        while read -r file; do
            case $file in $pattern | $pattern/*) any=x && echo "$file" >>matched ;; esac
        done <files
        test -n "$any" || echo "no file: $pattern"
    done
    sort -u matched | comm -23 files - | sed 's/^/in no package: /'
    rm matched
}

# Without MPI, BLAS or Slurm some programs are not built.
whole=x
for file in plugin/.libs/async_workflow.so examples/ddmd/ddmd-train examples/mpi/halo; do
    test -e "$top_builddir/$file" || whole=
done
test -z "$whole" || test_set_prereq WHOLE

test_expect_success 'it installs everything' '
    make -s -C "$top_builddir" install DESTDIR="$root" >log 2>&1 &&
    (cd "$root" && find . ! -type d | sed "s/^.//") | as_packaged | sort >files &&
    test $(wc -l <files) -gt 100
'

test_expect_success 'the installed command answers; the commands like those of Slurm are there' '
    "$root$bindir/async-workflow" --version | grep -q "^async-workflow [0-9]" &&
    for name in sbatch srun squeue sacct scancel scontrol sinfo; do
        test -x "$root$libexecdir/slurm-async-workflow/slurm/$name" || return 1
    done
'

test_expect_success WHOLE 'each file is in a package of Debian, and each line of these has files' '
    cat "$top_srcdir"/packaging/debian/*.install | mismatches >actual &&
    cat actual && test_must_be_empty actual
'

test_expect_success WHOLE 'each file is in an RPM, and each line of these has files' '
    sed -n "/^%files/,/^%changelog/p" "$top_srcdir/packaging/slurm-async-workflow.spec" |
        sed "/^%license/d; /%dir/d; /^%files/d; /^%changelog/d; /^\$/d; s/^%config(noreplace) //
            s|.*/async_workflow\.so|usr/lib/x/slurm-wlm/async_workflow.so|; s|%{name}|slurm-async-workflow|g
            s|%{_sysconfdir}|etc|; s|%{_bindir}|usr/bin|; s|%{_includedir}|usr/include|; s|%{_datadir}|usr/share|
            s|%{_docdir}|usr/share/doc|; s|%{_mandir}|usr/share/man|; s|%{_lib\(exec\)\?dir}|usr/lib/x|" |
        mismatches >actual &&
    cat actual && test_must_be_empty actual
'

test_expect_success 'packages are made for the Slurm that they are told of' '
    mkdir bin && printf "#!/bin/sh\nprintf \"<%%s>\" \"\$@\" >args; mkdir -p out/work/RPMS out/work/SRPMS\n" >bin/rpmbuild &&
    chmod +x bin/rpmbuild && : >x-1.tar.gz && build=$top_srcdir/packaging/build &&
    PATH=$PWD/bin:$PATH "$build" rpm x-1.tar.gz out && ! grep slurm_prefix args &&
    PATH=$PWD/bin:$PATH "$build" rpm x-1.tar.gz out /opt/slurm && grep "<slurm_prefix /opt/slurm>.*/x-1.tar.gz>" args &&
    test_expect_code 2 "$build" deb x-1.tar.gz out /opt/slurm 2>err && grep "only for Debian.s own Slurm" err
'

test_done
