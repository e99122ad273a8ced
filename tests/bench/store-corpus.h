/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_STORE_CORPUS_H
#define TESTS_BENCH_STORE_CORPUS_H

/* Makes a store at path of the RFC 5424 lines of a file, or of lines that are made up (NULL), in
 * blocks as the daemon makes them. Ends the process where it cannot. */
void corpus_make_store(const char *path, const char *file);
void corpus_remove_store(const char *path);

#endif
