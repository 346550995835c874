/* Huffman's code: a heap builds the tree, bits are written and read one by one. */
#include "programs.h"

#define SYMBOLS 64
#define NODES (2 * SYMBOLS)
#define MESSAGE 1500

static struct node {
	u32 weight;
	s16 left, right; /* -1: a leaf */
} nodes[NODES];

static u32 code[SYMBOLS];
static u8 code_length[SYMBOLS];
static u16 heap[NODES];
static u32 heap_count;

static bool lighter(u16 a, u16 b)
{
	/* The number breaks ties, so that there is one tree. */
	return nodes[a].weight != nodes[b].weight ? nodes[a].weight < nodes[b].weight : a < b;
}

static void push(u16 node)
{
	u32 at = heap_count++;

	for (; at && lighter(node, heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = node;
}

static u16 pop(void)
{
	u16 top = heap[0], node = heap[--heap_count];
	u32 at = 0;

	for (u32 child; (child = 2 * at + 1) < heap_count; at = child) {
		if (child + 1 < heap_count && lighter(heap[child + 1], heap[child]))
			child++;
		if (!lighter(heap[child], node))
			break;
		heap[at] = heap[child];
	}
	heap[at] = node;
	return top;
}

static void assign(u16 node, u32 bits, u8 length)
{
	if (nodes[node].left < 0) {
		code[node] = bits;
		code_length[node] = length;
		return;
	}
	assign(nodes[node].left, bits << 1, length + 1);
	assign(nodes[node].right, bits << 1 | 1, length + 1);
}

static u16 build(const u8 *message)
{
	u32 count = SYMBOLS;

	for (u32 i = 0; i < SYMBOLS; i++)
		nodes[i] = (struct node){ 1, -1, -1 };
	for (u32 i = 0; i < MESSAGE; i++)
		nodes[message[i]].weight++;
	for (u32 i = 0; i < SYMBOLS; i++)
		push(i);
	while (heap_count > 1) {
		u16 a = pop(), b = pop();

		nodes[count] = (struct node){ nodes[a].weight + nodes[b].weight, a, b };
		push(count++);
	}
	return pop();
}

void program_huffman(void)
{
	static u8 message[MESSAGE], bits[MESSAGE];
	u64 state = 31;
	u32 at = 0, sum = 0, wrong = 0;
	u16 root;

	for (u32 i = 0; i < MESSAGE; i++) {
		u64 r = next_random(&state);

		/* The minimum of three: small symbols are the frequent ones. */
		message[i] = r % SYMBOLS;
		for (u32 k = 1; k < 3; k++)
			if ((r >> 16 * k) % SYMBOLS < message[i])
				message[i] = (r >> 16 * k) % SYMBOLS;
	}
	root = build(message);
	assign(root, 0, 0);
	for (u32 i = 0; i < MESSAGE; i++)
		for (u32 k = code_length[message[i]]; k--; at++)
			bits[at / 8] |= (code[message[i]] >> k & 1) << at % 8;
	out("%u symbols in %u bits\n", MESSAGE, at);
	for (u32 i = 0; i < SYMBOLS; i += 9)
		out("symbol %u weight %u code %x/%u\n", i, nodes[i].weight, code[i],
		    code_length[i]);

	at = 0;
	for (u32 i = 0; i < MESSAGE; i++) {
		s16 node = root;

		for (; nodes[node].left >= 0; at++)
			node = bits[at / 8] >> at % 8 & 1 ? nodes[node].right : nodes[node].left;
		wrong += node != message[i];
	}
	for (u32 i = 0; i < (at + 7) / 8; i++)
		sum = (sum << 5 | sum >> 27) ^ bits[i];
	out("read %u bits, %u wrong, sum %08x\n", at, wrong, sum);
}
