/* The smallest program: where am I? */
#include <mini.h>

int main(void)
{
	print("hello from thread %ld, seed %lu, CPUs %lx\n", sys_gettid(), option("seed", 0),
	      allowed_cpus());
	return option("code", 0);
}
