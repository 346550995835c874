/* What the boot loader and the command line tell the kernel. */
#ifndef PARAMS_H
#define PARAMS_H

#include "../core/types.h"

#define E820_RAM 1

struct e820_entry {
	u64 start;
	u64 size;
	u32 type;
} __attribute__((packed));

struct boot_info {
	u64 rsdp_phys;
	u64 ramdisk_phys;
	u64 ramdisk_size;
	u32 e820_count;
	struct e820_entry e820[E820_MAX];

	/* The command line, cut at spaces. Before "--": key=value, for the kernel, and the
	 * environment of user programs. After it: their arguments. */
	u32 param_count;
	char *param[ARGS_MAX];
	u32 arg_count;
	char *arg[ARGS_MAX];
};

extern struct boot_info boot_info;

void params_init(u64 boot_params_phys);

/* The value of `key`, or `otherwise`. */
const char *param_string(const char *key, const char *otherwise);
u64 param_number(const char *key, u64 otherwise);

#endif
