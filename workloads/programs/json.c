/* A state machine that reads JSON (RFC 8259) and prints it back with depths, or the first error. */
#include "programs.h"

enum state { VALUE, FIRST_VALUE, FIRST_KEY, KEY, COLON, AFTER, END };

struct parser {
	const char *text;
	u32 at, depth;
	char open[16];
	enum state state;
	u32 strings, numbers, words;
	u64 sum;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool read_string(struct parser *p)
{
	for (p->at++;; p->at++) {
		u8 c = p->text[p->at];

		if (c < ' ')
			return false;
		if (c == '"')
			break;
		if (c == '\\') {
			switch (p->text[++p->at]) {
			case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r':
			case 't':
				break;
			case 'u':
				p->at += 4;
				break;
			default:
				return false;
			}
		}
		p->sum = p->sum * 131 + c;
	}
	p->at++;
	p->strings++;
	return true;
}

static bool read_number(struct parser *p)
{
	bool negative = p->text[p->at] == '-';
	s64 value = 0;

	p->at += negative;
	if (!is_digit(p->text[p->at]))
		return false;
	while (is_digit(p->text[p->at]))
		value = value * 10 + p->text[p->at++] - '0';
	if (p->text[p->at] == '.') {
		p->at++;
		while (is_digit(p->text[p->at]))
			value = value * 10 + p->text[p->at++] - '0';
	}
	p->sum += negative ? -value : value;
	p->numbers++;
	return true;
}

static bool read_word(struct parser *p)
{
	static const char *const words[] = { "true", "false", "null" };

	for (u32 i = 0; i < ARRAY_SIZE(words); i++) {
		size_t length = text_length(words[i]);

		if (memcmp(p->text + p->at, words[i], length) == 0) {
			p->at += length;
			p->words += i + 1;
			return true;
		}
	}
	return false;
}

static bool close(struct parser *p, char c)
{
	if (!p->depth || p->open[--p->depth] != (c == '}' ? '{' : '['))
		return false;
	p->at++;
	p->state = p->depth ? AFTER : END;
	return true;
}

static bool value(struct parser *p, char c)
{
	if (c == '{' || c == '[') {
		if (p->depth == sizeof(p->open))
			return false;
		p->open[p->depth++] = c;
		p->at++;
		p->state = c == '{' ? FIRST_KEY : FIRST_VALUE;
		return true;
	}
	p->state = p->depth ? AFTER : END;
	if (c == '"')
		return read_string(p);
	return c == '-' || is_digit(c) ? read_number(p) : read_word(p);
}

static bool step(struct parser *p)
{
	char c = p->text[p->at];

	switch (p->state) {
	case FIRST_VALUE:
		return c == ']' ? close(p, c) : value(p, c);
	case VALUE:
		return value(p, c);
	case FIRST_KEY:
		if (c == '}')
			return close(p, c);
		/* fall through */
	case KEY:
		p->state = COLON;
		return c == '"' && read_string(p);
	case COLON:
		p->at++;
		p->state = VALUE;
		return c == ':';
	case AFTER:
		if (c != ',')
			return (c == '}' || c == ']') && close(p, c);
		p->at++;
		p->state = p->open[p->depth - 1] == '{' ? KEY : VALUE;
		return true;
	case END:
		return false;
	}
	return false;
}

static void parse(const char *text)
{
	struct parser p = { .text = text };
	bool good = true;

	while (good) {
		while (text[p.at] == ' ' || text[p.at] == '\n')
			p.at++;
		if (!text[p.at])
			break;
		good = step(&p);
	}
	out("%s at %u: %u strings %u numbers %u words depth %u sum %lx\n",
	    good && p.state == END ? "good" : "bad", p.at, p.strings, p.numbers, p.words,
	    p.depth, p.sum);
}

void program_json(void)
{
	parse("{\"name\": \"smpbox\", \"cpus\": [0, 4, 1, 5],"
	      " \"deep\": {\"a\": [[[]]], \"b\": {}}}");
	parse("[1, -2, 3.25, \"a\\u0041\\n\", true, false, null]");
	parse(" 42 ");
	parse("[1, 2,]");
	parse("{\"a\" 1}");
	parse("[}");
	parse("\"open");
	parse("[[[[[[[[[[[[[[[[[");
	parse("nul");
	parse("{} {}");
}
