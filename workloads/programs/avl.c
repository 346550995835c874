/* A balanced tree (Adelson-Velsky and Landis) and a doubly linked list: pointers and rotations. */
#include "programs.h"

#define NODES 300

struct node {
	struct node *child[2];
	s32 key;
	s8 height;
};

static struct node pool[NODES], *free_nodes;

static s32 height(const struct node *node)
{
	return node ? node->height : 0;
}

static void measure(struct node *node)
{
	s32 left = height(node->child[0]), right = height(node->child[1]);

	node->height = 1 + (left > right ? left : right);
}

/* Lifts the child of that side. */
static struct node *rotate(struct node *node, bool side)
{
	struct node *up = node->child[side];

	node->child[side] = up->child[!side];
	up->child[!side] = node;
	measure(node);
	measure(up);
	return up;
}

static struct node *balance(struct node *node)
{
	s32 lean = height(node->child[1]) - height(node->child[0]);
	bool side = lean > 0;

	measure(node);
	if (lean >= -1 && lean <= 1)
		return node;
	if (height(node->child[side]->child[!side]) > height(node->child[side]->child[side]))
		node->child[side] = rotate(node->child[side], !side);
	return rotate(node, side);
}

static struct node *insert(struct node *node, s32 key)
{
	if (!node) {
		node = free_nodes;
		if (!node)
			return NULL;
		free_nodes = node->child[0];
		*node = (struct node){ .key = key, .height = 1 };
		return node;
	}
	if (key == node->key)
		return node;
	node->child[key > node->key] = insert(node->child[key > node->key], key);
	return balance(node);
}

static struct node *take_smallest(struct node *node, struct node **smallest)
{
	if (!node->child[0]) {
		*smallest = node;
		return node->child[1];
	}
	node->child[0] = take_smallest(node->child[0], smallest);
	return balance(node);
}

static struct node *erase(struct node *node, s32 key)
{
	struct node *gone = node, *smallest;

	if (!node)
		return NULL;
	if (key != node->key) {
		node->child[key > node->key] = erase(node->child[key > node->key], key);
		return balance(node);
	}
	if (!node->child[1]) {
		node = node->child[0];
	} else {
		struct node *right = take_smallest(node->child[1], &smallest);

		smallest->child[0] = node->child[0];
		smallest->child[1] = right;
		node = balance(smallest);
	}
	gone->child[0] = free_nodes;
	free_nodes = gone;
	return node;
}

static u32 count(const struct node *node)
{
	return node ? 1 + count(node->child[0]) + count(node->child[1]) : 0;
}

/* Without recursion: the way back up is a stack. */
static u64 in_order(const struct node *node, bool *sorted)
{
	const struct node *stack[16];
	s32 last = -2147483647;
	u64 sum = 0;
	u32 depth = 0;

	*sorted = true;
	while (node || depth) {
		for (; node; node = node->child[0])
			stack[depth++] = node;
		node = stack[--depth];
		*sorted &= node->key > last;
		last = node->key;
		sum = sum * 31 + (u32)last;
		node = node->child[1];
	}
	return sum;
}

void program_avl(void)
{
	struct node *root = NULL;
	u64 state = 4, sum;
	bool sorted;

	for (u32 i = 0; i < NODES; i++)
		pool[i].child[0] = i ? &pool[i - 1] : NULL;
	free_nodes = &pool[NODES - 1];
	for (s32 key = 0; key < 100; key++)
		root = insert(root, key);
	out("in order: %u nodes, height %d\n", count(root), height(root));
	for (u32 i = 0; i < 1500; i++) {
		s32 key = (s32)(next_random(&state) % 250) - 50;

		root = i % 5 < 3 ? insert(root, key) : erase(root, key);
		if (i % 300 == 299) {
			sum = in_order(root, &sorted);
			out("%u nodes, height %d, %s, sum %016lx\n", count(root), height(root),
			    sorted ? "sorted" : "NOT SORTED", sum);
		}
	}
	while (root)
		root = erase(root, root->key);
	sum = 0;
	for (struct node *node = free_nodes; node; node = node->child[0])
		sum++;
	out("free %lu\n", sum);
}
