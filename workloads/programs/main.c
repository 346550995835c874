/*
 * Many small programs in one file, to keep the number of images small: those named by the
 * arguments run, or all of them. One such file is built for each optimisation level.
 */
#include <mini.h>

#include "programs.h"

struct program {
	const char *name;
	void (*run)(void);
};

#define PROGRAM_ROW(name) { #name, program_##name },
static const struct program programs[] = { PROGRAMS(PROGRAM_ROW) };

static void run(const struct program *program)
{
	out("== %s\n", program->name);
	program->run();
	out_flush();
}

int main(void)
{
	u32 count = 0;

	for (u32 i = 0; i < ARRAY_SIZE(programs); i++) {
		bool named = mini_argc < 2;

		for (int word = 1; word < mini_argc; word++)
			named |= same_text(mini_argv[word], programs[i].name);
		if (named) {
			run(&programs[i]);
			count++;
		}
	}
	if (!count)
		die("programs: none of that name\n");
	return 0;
}
