# SPDX-License-Identifier: Apache-2.0
# AX_AW_COMPILER_FLAGS: warnings as far as the compiler knows them, in AW_CFLAGS and AW_LDFLAGS.
AC_DEFUN([AX_AW_COMPILER_FLAGS], [
  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [make warnings errors (for developers)])],
    [], [enable_werror=no])
  AW_CFLAGS=
  for flag in -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
              -Wformat=2 -Wno-format-nonliteral -Wvla -fno-common; do
    AX_AW_TRY_CFLAG([$flag])
  done
  AS_IF([test "x$enable_werror" = xyes], [AX_AW_TRY_CFLAG([-Werror])])
  AW_LDFLAGS=
  AC_SUBST([AW_CFLAGS])
  AC_SUBST([AW_LDFLAGS])
])

AC_DEFUN([AX_AW_TRY_CFLAG], [
  AC_MSG_CHECKING([whether $CC accepts $1])
  aw_saved_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -Werror $1"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes]); AW_CFLAGS="$AW_CFLAGS $1"], [AC_MSG_RESULT([no])])
  CFLAGS=$aw_saved_CFLAGS
])

# AX_AW_SANITIZER: --enable-sanitizer builds everything but the plugin (srun is not ours to instrument) under ASan and UBSan.
AC_DEFUN([AX_AW_SANITIZER], [
  AC_ARG_ENABLE([sanitizer],
    [AS_HELP_STRING([--enable-sanitizer], [build with AddressSanitizer and UndefinedBehaviorSanitizer])],
    [], [enable_sanitizer=no])
  aw_sanitizer=$enable_sanitizer
  AS_IF([test "x$enable_sanitizer" != xno],
    [SANITIZER_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"])
  AC_SUBST([SANITIZER_CFLAGS])
  AM_CONDITIONAL([SANITIZER], [test "x$enable_sanitizer" != xno])
])
