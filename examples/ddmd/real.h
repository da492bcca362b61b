/* SPDX-License-Identifier: Apache-2.0 */

/* The number type of the network. Single precision in the programs; the tests compile the same
 * sources a second time with DDMD_DOUBLE, so that gradients can be compared with finite differences
 * to many digits.
 */

#ifndef DDMD_REAL_H
#define DDMD_REAL_H

#ifdef DDMD_DOUBLE
typedef double ddmd_real;
#else
typedef float ddmd_real;
#endif

#endif /* !DDMD_REAL_H */
