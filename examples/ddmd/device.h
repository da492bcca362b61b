/* SPDX-License-Identifier: Apache-2.0 */

/* What the CPU's compiler and the GPU's read alike: functions marked so are compiled for both. */

#ifndef DDMD_DEVICE_H
#define DDMD_DEVICE_H

#ifdef __CUDACC__
#define DDMD_DEVICE __host__ __device__
#else
#define DDMD_DEVICE
#endif

#endif /* !DDMD_DEVICE_H */
