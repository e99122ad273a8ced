/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STORE_FAULTS_H
#define TESTS_STORE_FAULTS_H

/*
 * The system calls by which a store changes the disk, and those by which it reads what it must trust,
 * counted, one of them made to fail. The linker puts these in front (--wrap), so the store is the one
 * that ships. Calls are numbered from 1, in the order in which all threads make them.
 */

enum fault {
    FAULT_NONE,
    FAULT_EIO,         /* the call fails */
    FAULT_ENOSPC,      /* ditto */
    FAULT_FULL,        /* this call and the forty behind it: all that need room fail */
    FAULT_SHORT,       /* a write writes half of it, and the next one fails */
    FAULT_DIES_BEFORE, /* the process is gone, */
    FAULT_DIES_AFTER,  /* with the call done, */
    FAULT_DIES_TORN,   /* with half of a write done */
    FAULT_RENAME_LOST, /* a rename seems to work; at the next call the process is gone */
    N_FAULTS,
};

/* Forgets all calls, and does this to the at-th. */
void faults_arm(enum fault fault, unsigned at);
/* Did the call come? */
int faults_were_met(void);

/* The exit status of a process that a fault ended. */
#define FAULT_STATUS 99

#endif
