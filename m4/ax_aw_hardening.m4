# SPDX-License-Identifier: Apache-2.0
# AX_AW_HARDENING: what makes a mistake in memory end the process instead of helping an attacker, each where compiler
# and linker know it: added to AW_CFLAGS and AW_LDFLAGS, and for programs AW_PIE_CFLAGS and AW_PIE_LDFLAGS (the plugin
# is a shared object, position-independent anyway). After AX_AW_COMPILER_FLAGS and AX_AW_SANITIZER.
AC_DEFUN([AX_AW_HARDENING], [
  AC_ARG_ENABLE([hardening],
    [AS_HELP_STRING([--disable-hardening],
      [without stack protector, _FORTIFY_SOURCE, PIE, full RELRO and the like])],
    [], [enable_hardening=yes])
  AW_PIE_CFLAGS=
  AW_PIE_LDFLAGS=
  AW_FORTIFY=no
  AS_IF([test "x$enable_hardening" != xno], [
    for flag in -fstack-protector-strong -fstack-clash-protection -fcf-protection; do
      AX_AW_TRY_CFLAG([$flag])
    done
    # The sanitizers bring checks of their own, which it would hide.
    AS_IF([test "x$aw_sanitizer" = xno], [AX_AW_FORTIFY([3])
      AS_IF([test "$AW_FORTIFY" = no], [AX_AW_FORTIFY([2])])])
    for flag in -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack; do
      AX_AW_TRY_LDFLAG([$flag])
    done
    AX_AW_PIE
  ])
  AC_SUBST([AW_PIE_CFLAGS])
  AC_SUBST([AW_PIE_LDFLAGS])
  AC_SUBST([AW_HARDENING], [$enable_hardening])
])

# Level $1, if the C library takes it with this compiler and these CFLAGS, which may have a level of their own: it needs
# optimization. In the order of the Makefiles.
AC_DEFUN([AX_AW_FORTIFY], [
  AC_MSG_CHECKING([whether _FORTIFY_SOURCE=$1 takes effect])
  aw_saved_CFLAGS=$CFLAGS
  CFLAGS="-Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$1 $CFLAGS"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <string.h>
      #if !defined __USE_FORTIFY_LEVEL || __USE_FORTIFY_LEVEL < $1
      #error it does not
      #endif]], [])],
    [AC_MSG_RESULT([yes])
     AW_FORTIFY=$1
     AW_CFLAGS="$AW_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$1"],
    [AC_MSG_RESULT([no])])
  CFLAGS=$aw_saved_CFLAGS
])

AC_DEFUN([AX_AW_TRY_LDFLAG], [
  AC_MSG_CHECKING([whether the linker accepts $1])
  aw_saved_LDFLAGS=$LDFLAGS
  LDFLAGS="$LDFLAGS $1"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes]); AW_LDFLAGS="$AW_LDFLAGS $1"], [AC_MSG_RESULT([no])])
  LDFLAGS=$aw_saved_LDFLAGS
])

AC_DEFUN([AX_AW_PIE], [
  AC_MSG_CHECKING([whether position-independent programs can be made])
  aw_saved_CFLAGS=$CFLAGS
  aw_saved_LDFLAGS=$LDFLAGS
  CFLAGS="$CFLAGS -fPIE"
  LDFLAGS="$LDFLAGS -pie"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes]); AW_PIE_CFLAGS=-fPIE; AW_PIE_LDFLAGS=-pie], [AC_MSG_RESULT([no])])
  CFLAGS=$aw_saved_CFLAGS
  LDFLAGS=$aw_saved_LDFLAGS
])
