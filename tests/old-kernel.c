/* SPDX-License-Identifier: Apache-2.0 */
/* old-kernel COMMAND [ARGUMENT]...
 * Runs COMMAND, with all that it starts, as on Linux 4.18, the oldest kernel that we support:
 * system calls that came later fail with ENOSYS, and copy_file_range with EXDEV, its answer between
 * file systems before Linux 5.3. Without COMMAND: prints what two such calls answer under the
 * filter. Exit status 77: it cannot be done here.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { SKIP = 77 };

/* The last system call of Linux 4.18; later ones have larger numbers. */
#if defined __x86_64__ && !defined __ILP32__
enum { LAST = 334, ARCHITECTURE = AUDIT_ARCH_X86_64 };
#elif defined __aarch64__ && defined __AARCH64EL__
enum { LAST = 293, ARCHITECTURE = AUDIT_ARCH_AARCH64 };
#elif defined __powerpc64__ && defined __LITTLE_ENDIAN__
enum { LAST = 388, ARCHITECTURE = AUDIT_ARCH_PPC64LE };
#else
enum { LAST = 0, ARCHITECTURE = 0 };
#endif

enum { CLOSE_RANGE = 436 }; /* on every architecture; older headers lack it */

/* 0, or -1 with errno set. */
static int install_filter (void)
{
    struct sock_filter filter[] = {
        BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, arch)),
        BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (unsigned)ARCHITECTURE, 1, 0),
        BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
        BPF_JUMP (BPF_JMP | BPF_JGT | BPF_K, LAST, 0, 1),
        BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_copy_file_range, 0, 1),
        BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
        BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = sizeof (filter) / sizeof (*filter), .filter = filter };

    if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static const char *answer (long result)
{
    return result < 0 ? strerror (errno) : "works";
}

int main (int argc, char **argv)
{
    if (LAST == 0) {
        fprintf (stderr, "%s: the system calls of this architecture are not known\n", argv[0]);
        return SKIP;
    }
    if (install_filter () < 0) {
        fprintf (stderr, "%s: no seccomp filter: %s\n", argv[0], strerror (errno));
        return SKIP;
    }
    if (argc < 2) {
        printf ("close_range: %s\n", answer (syscall (CLOSE_RANGE, 100U, 200U, 0U)));
        printf ("getpid: %s\n", answer (syscall (SYS_getpid)));
        return 0;
    }
    execvp (argv[1], argv + 1);
    fprintf (stderr, "%s: %s: %s\n", argv[0], argv[1], strerror (errno));
    return 127;
}
