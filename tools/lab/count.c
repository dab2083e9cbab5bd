// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU that counts the instructions which the guest's kernel executes.
 * Arguments: functions=FILE,out=FILE
 *
 * A line of FUNCTIONS is "KIND START END NAME", addresses in hexadecimal, in ascending
 * order. What is written to OUT depends on KIND:
 *
 * count   how many instructions were executed in the function: at each mark, and only if
 *         there were any, "count NAME INSTRUCTIONS"
 * enter   also, from each odd mark to the next one, "enter NAME TOTAL" each time the
 *         function is entered
 * mark    "mark NAME TOTAL" each time the function is entered, and then all counts
 *
 * TOTAL is what the kernel has executed until then, user space is not counted. A repeated
 * string instruction counts once for each repetition.
 *
 * QEMU 9.0 or later. Debian packages no header for plugins, so what is used of the
 * interface is declared here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;

typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} qemu_plugin_u64;

enum { QEMU_PLUGIN_INLINE_ADD_U64 };
enum { QEMU_PLUGIN_CB_NO_REGS };

struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t size);
uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 entry);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
		void (*translated)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
		void (*executed)(unsigned int vcpu, void *data), int flags,
		void *data);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
		struct qemu_plugin_insn *insn, int operation,
		qemu_plugin_u64 entry, uint64_t operand);

__attribute__((visibility("default"))) int qemu_plugin_version = 2;

/* Addresses from here on are the kernel's. */
#define KERNEL_BEGIN 0xffff800000000000

#define FUNCTIONS_MAX 65536
#define NAME_MAX 120

struct function {
	char kind[8];
	char name[NAME_MAX];
	uint64_t start;
	uint64_t end;
};

static struct function functions[FUNCTIONS_MAX];
static size_t function_count;

/* One counter for each function, behind the one for the whole kernel. */
static struct qemu_plugin_scoreboard *counters;

static FILE *out;
static unsigned int marks;

static qemu_plugin_u64 kernel_counter(void)
{
	return (qemu_plugin_u64) { counters, 0 };
}

static qemu_plugin_u64 function_counter(const struct function *function)
{
	return (qemu_plugin_u64) {
		counters, (1 + (function - functions)) * sizeof(uint64_t)
	};
}

static int compare_to_address(const void *key, const void *element)
{
	const struct function *function = element;
	uint64_t address = *(const uint64_t *)key;

	if (address < function->start)
		return -1;
	return address >= function->end;
}

static struct function *function_at(uint64_t address)
{
	return bsearch(&address, functions, function_count, sizeof(functions[0]),
		       compare_to_address);
}

static void write_counts(void)
{
	size_t i;

	for (i = 0; i < function_count; i++) {
		uint64_t count = qemu_plugin_u64_sum(function_counter(&functions[i]));

		if (count)
			fprintf(out, "count %s %" PRIu64 "\n", functions[i].name, count);
	}
	fflush(out);
}

static void entered(unsigned int vcpu, void *data)
{
	const struct function *function = data;
	int is_mark = !strcmp(function->kind, "mark");

	marks += is_mark;
	if (is_mark || marks % 2)
		fprintf(out, "%s %s %" PRIu64 "\n", function->kind, function->name,
			qemu_plugin_u64_sum(kernel_counter()));
	if (is_mark)
		write_counts();
}

static void instrument(struct qemu_plugin_insn *insn)
{
	uint64_t address = qemu_plugin_insn_vaddr(insn);
	struct function *function;

	if (address < KERNEL_BEGIN)
		return;
	function = function_at(address);
	if (function && address == function->start &&
	    strcmp(function->kind, "count"))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, entered,
				QEMU_PLUGIN_CB_NO_REGS, function);
	if (function)
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn,
				QEMU_PLUGIN_INLINE_ADD_U64,
				function_counter(function), 1);
	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn,
			QEMU_PLUGIN_INLINE_ADD_U64, kernel_counter(), 1);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i;

	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
		instrument(qemu_plugin_tb_get_insn(tb, i));
}

static int read_functions(const char *path)
{
	FILE *file = fopen(path, "r");
	struct function *function = functions;

	if (!file)
		return -1;
	while (function < functions + FUNCTIONS_MAX &&
	       fscanf(file, "%7s %" SCNx64 " %" SCNx64 " %119s", function->kind,
		      &function->start, &function->end, function->name) == 4)
		function++;
	function_count = function - functions;
	/* a line that is no such line, or one too many */
	return feof(file) ? fclose(file) : -1;
}

/* The value of argument NAME=VALUE */
static const char *argument(int argc, char **argv, const char *name)
{
	size_t length = strlen(name);
	int i;

	for (i = 0; i < argc; i++)
		if (!strncmp(argv[i], name, length) && argv[i][length] == '=')
			return argv[i] + length + 1;
	return "";
}

__attribute__((visibility("default")))
int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	if (read_functions(argument(argc, argv, "functions"))) {
		fprintf(stderr, "count: bad list of functions\n");
		return -1;
	}
	out = fopen(argument(argc, argv, "out"), "w");
	if (!out) {
		perror("count: out");
		return -1;
	}
	counters = qemu_plugin_scoreboard_new((1 + FUNCTIONS_MAX) * sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
