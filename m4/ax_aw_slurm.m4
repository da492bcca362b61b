# SPDX-License-Identifier: Apache-2.0
# AX_AW_DIR_FLAGS(NAME, DIR): NAME_CPPFLAGS and NAME_LDFLAGS for headers and libraries under DIR, in lib64 or lib.
AC_DEFUN([AX_AW_DIR_FLAGS], [
  $1_CPPFLAGS="-I$2/include"
  AS_IF([test -d "$2/lib64"], [aw_libdir="$2/lib64"], [aw_libdir="$2/lib"])
  $1_LDFLAGS="-L$aw_libdir -Wl,-rpath,$aw_libdir"
])

# AX_AW_MUNGE: --with-munge=DIR; MUNGE_CPPFLAGS and MUNGE_LIBS.
AC_DEFUN([AX_AW_MUNGE], [
  AC_ARG_WITH([munge],
    [AS_HELP_STRING([--with-munge=DIR], [MUNGE is in DIR, not where the compiler looks by itself])],
    [], [with_munge=yes])
  AS_CASE([$with_munge],
    [no], [AC_MSG_ERROR([--without-munge: agents and coordinator need it to know each other])],
    [yes], [],
    [AX_AW_DIR_FLAGS([MUNGE], [$with_munge])])
  aw_saved_CPPFLAGS=$CPPFLAGS aw_saved_LDFLAGS=$LDFLAGS
  CPPFLAGS="$CPPFLAGS $MUNGE_CPPFLAGS" LDFLAGS="$LDFLAGS $MUNGE_LDFLAGS"
  AC_CHECK_HEADER([munge.h], [],
    [AC_MSG_ERROR([munge.h not found: install libmunge-dev (Debian) or munge-devel (RPM), or use --with-munge=DIR])])
  AC_CHECK_LIB([munge], [munge_encode], [MUNGE_LIBS="$MUNGE_LDFLAGS -lmunge"],
    [AC_MSG_ERROR([libmunge not found: install libmunge-dev (Debian) or munge-devel (RPM), or use --with-munge=DIR])])
  CPPFLAGS=$aw_saved_CPPFLAGS LDFLAGS=$aw_saved_LDFLAGS
  AC_SUBST([MUNGE_CPPFLAGS])
  AC_SUBST([MUNGE_LIBS])
])

# AX_AW_SLURM: --with-slurm=DIR, --without-slurm (then only "run --local" runs workflows, and there is no plugin);
# SLURM_DIR (DIR, or ""), SLURM_CPPFLAGS, SLURM_LIBS, SLURM_VERSION, HAVE_SLURM.
AC_DEFUN([AX_AW_SLURM], [
  AC_ARG_WITH([slurm],
    [AS_HELP_STRING([--with-slurm=DIR], [Slurm is in DIR, not where the compiler looks by itself])
AS_HELP_STRING([--without-slurm], [no plugin; workflows run on this machine alone (run --local)])],
    [], [with_slurm=yes])
  SLURM_DIR=
  AS_CASE([$with_slurm],
    [yes|no], [],
    [SLURM_DIR=$with_slurm
     AX_AW_DIR_FLAGS([SLURM], [$with_slurm])
     AC_DEFINE_UNQUOTED([AW_SLURM_BINDIR], ["$with_slurm/bin"],
       [Where srun, salloc, scontrol and sinfo are looked for before PATH.])])
  AS_IF([test "x$with_slurm" != xno], [
    aw_saved_CPPFLAGS=$CPPFLAGS aw_saved_LDFLAGS=$LDFLAGS
    CPPFLAGS="$CPPFLAGS $SLURM_CPPFLAGS" LDFLAGS="$LDFLAGS $SLURM_LDFLAGS"
    AC_CHECK_HEADER([slurm/spank.h], [],
      [AC_MSG_ERROR([slurm/spank.h not found: install libslurm-dev (Debian) or slurm-devel (RPM), or use --with-slurm=DIR or --without-slurm])])
    AC_CHECK_LIB([slurm], [slurm_hostlist_create], [SLURM_LIBS="$SLURM_LDFLAGS -lslurm"],
      [AC_MSG_ERROR([libslurm not found: install libslurm-dev (Debian) or slurm-devel (RPM), or use --with-slurm=DIR or --without-slurm])])
    AX_AW_SLURM_VERSION
    CPPFLAGS=$aw_saved_CPPFLAGS LDFLAGS=$aw_saved_LDFLAGS
    AC_DEFINE([HAVE_SLURM], [1], [Define to 1 if libslurm is there.])
  ])
  AM_CONDITIONAL([HAVE_SLURM], [test "x$with_slurm" != xno])
  AC_SUBST([SLURM_DIR])
  AC_SUBST([SLURM_CPPFLAGS])
  AC_SUBST([SLURM_LIBS])
  AC_SUBST([SLURM_VERSION])
])

# The release whose headers these are: the plugin is loaded by that release alone. Tested: 22.05 to 26.05.
AC_DEFUN([AX_AW_SLURM_VERSION], [
  AC_MSG_CHECKING([for the release of Slurm])
  AC_COMPUTE_INT([aw_slurm_major], [SLURM_VERSION_MAJOR (SLURM_VERSION_NUMBER)],
    [[#include <slurm/slurm.h>]], [aw_slurm_major=0])
  AC_COMPUTE_INT([aw_slurm_minor], [SLURM_VERSION_MINOR (SLURM_VERSION_NUMBER)],
    [[#include <slurm/slurm.h>]], [aw_slurm_minor=0])
  SLURM_VERSION=$(printf '%02d.%02d' "$aw_slurm_major" "$aw_slurm_minor")
  AC_MSG_RESULT([$SLURM_VERSION])
  aw_slurm_number=$((aw_slurm_major * 100 + aw_slurm_minor))
  AS_IF([test "$aw_slurm_number" -lt 2205 || test "$aw_slurm_number" -gt 2605],
    [AC_MSG_WARN([Slurm $SLURM_VERSION is not among the tested releases (22.05 to 26.05)])])
])
