/*
 * Reads boot_params (Linux, "The Linux/x86 Boot Protocol" and "Zero Page") and the command line.
 * Everything is copied: the memory that holds it may be reused afterwards.
 */
#include "params.h"

#include "../core/panic.h"
#include "../core/string.h"

#define ACPI_RSDP_ADDR 0x070  /* u64 */
#define E820_ENTRIES 0x1e8    /* u8  */
#define RAMDISK_IMAGE 0x218   /* u32 */
#define RAMDISK_SIZE 0x21c    /* u32 */
#define CMD_LINE_PTR 0x228    /* u32 */
#define E820_TABLE 0x2d0      /* 20 bytes each */

struct boot_info boot_info;
static char cmdline[CMDLINE_MAX];

static void split_cmdline(void)
{
	struct boot_info *info = &boot_info;
	bool arguments = false;
	char *at = cmdline;

	for (;;) {
		char *word;

		while (*at == ' ')
			at++;
		if (!*at)
			return;
		word = at;
		while (*at && *at != ' ')
			at++;
		if (*at)
			*at++ = 0;
		if (!arguments && strcmp(word, "--") == 0) {
			arguments = true;
		} else if (arguments) {
			if (info->arg_count == ARGS_MAX)
				panic("command line: more than %d arguments", ARGS_MAX);
			info->arg[info->arg_count++] = word;
		} else {
			if (info->param_count == ARGS_MAX)
				panic("command line: more than %d parameters", ARGS_MAX);
			info->param[info->param_count++] = word;
		}
	}
}

void params_init(u64 boot_params_phys)
{
	const u8 *zero_page = phys_to_virt(boot_params_phys);
	struct boot_info *info = &boot_info;
	u32 cmdline_phys;

	memcpy(&info->rsdp_phys, zero_page + ACPI_RSDP_ADDR, 8);
	memcpy(&info->ramdisk_phys, zero_page + RAMDISK_IMAGE, 4);
	memcpy(&info->ramdisk_size, zero_page + RAMDISK_SIZE, 4);
	memcpy(&cmdline_phys, zero_page + CMD_LINE_PTR, 4);

	info->e820_count = zero_page[E820_ENTRIES];
	if (info->e820_count > E820_MAX)
		info->e820_count = E820_MAX;
	memcpy(info->e820, zero_page + E820_TABLE, info->e820_count * sizeof(struct e820_entry));

	if (cmdline_phys) {
		const char *from = phys_to_virt(cmdline_phys);
		u32 length = strnlen(from, CMDLINE_MAX);

		if (length == CMDLINE_MAX)
			panic("command line: longer than %d bytes", CMDLINE_MAX - 1);
		memcpy(cmdline, from, length);
	}
	split_cmdline();
}

const char *param_string(const char *key, const char *otherwise)
{
	u32 length = strlen(key);

	for (u32 i = 0; i < boot_info.param_count; i++) {
		const char *word = boot_info.param[i];

		if (strncmp(word, key, length) == 0 && word[length] == '=')
			return word + length + 1;
	}
	return otherwise;
}

u64 param_number(const char *key, u64 otherwise)
{
	const char *text = param_string(key, NULL);
	u64 value = 0;

	if (!text || !*text)
		return otherwise;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			panic("command line: %s must be a decimal number", key);
		value = value * 10 + (*text - '0');
	}
	return value;
}
