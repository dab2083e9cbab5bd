// SPDX-License-Identifier: GPL-2.0
/*
 * calm COMMAND...: run User Mode Linux without what differs from one run to the next:
 * the random numbers of this machine, and its wall clock.
 *
 * getrandom() fails: the guest has no other randomness than what it makes itself. So
 * does clock_gettime() for the wall clock, which the guest mixes into its random
 * numbers and otherwise only shows (it then begins in 1970; time-travel-start= would be
 * the way, but the kernel takes it for a bad time-travel=). That call does not usually
 * enter the kernel, so the program is started without a vDSO.
 */
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_UNLESS(value, count) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count)
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, value)

static int filter_calls(void)
{
	struct sock_filter filter[] = {
		LOAD(nr),
		SKIP_UNLESS(__NR_getrandom, 1),
		ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
		SKIP_UNLESS(__NR_clock_gettime, 3),
		LOAD(args[0]),
		SKIP_UNLESS(CLOCK_REALTIME, 1),
		ANSWER(SECCOMP_RET_ERRNO | EINVAL),
		ANSWER(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* What the kernel tells a program lies above its stack: argc, argv, envp, auxv. */
static void hide_vdso(pid_t pid)
{
	struct user_regs_struct regs;
	unsigned long at;

	ptrace(PTRACE_GETREGS, pid, NULL, &regs);
	at = regs.rsp + 8 * (ptrace(PTRACE_PEEKDATA, pid, regs.rsp, NULL) + 2);
	while (ptrace(PTRACE_PEEKDATA, pid, at, NULL))
		at += 8;
	for (at += 8; ; at += 16) {
		long type = ptrace(PTRACE_PEEKDATA, pid, at, NULL);

		if (type == AT_NULL)
			return;
		if (type == AT_SYSINFO_EHDR)
			ptrace(PTRACE_POKEDATA, pid, at, AT_IGNORE);
	}
}

int main(int argc, char **argv)
{
	int status = 0;
	pid_t pid;

	if (argc < 2)
		return 2;
	pid = fork();
	if (!pid) {
		/* User Mode Linux would start itself anew for that, with a vDSO. */
		personality(ADDR_NO_RANDOMIZE);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		if (filter_calls())
			perror("calm: seccomp");
		else
			execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		hide_vdso(pid);
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
		waitpid(pid, &status, 0);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
