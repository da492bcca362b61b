/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AW_IO_LOGS_LOG_TIDY_H
#define AW_IO_LOGS_LOG_TIDY_H

/* Removes the log file PATH if it is empty. One empty file remains in its directory, as ".empty":
 * it tells a resume without a journal that tasks have been started. Keeps errno.
 */
void aw_log_remove_empty (const char *path);

#endif /* AW_IO_LOGS_LOG_TIDY_H */
