/* SPDX-License-Identifier: MIT */
/* The shared files of AWS's tools; see awsconf.h. Each is parsed in place: entries point into its text. */
#include "awsconf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#define FILE_MOST (1u << 20)

struct entry {
	enum awsconf_kind kind;
	const char *section, *parent, *name;    /* parent: of a nested setting, or NULL; name NULL: the section itself */
	char *value;
};

struct file {
	char path[PATH_MAX];
	char *text;
	size_t len;
};

struct awsconf {
	struct file config, credentials;
	struct entry *entry;
	size_t entries, room;
};

/* ---- environment and files */

const char *aws_env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

static const char *home(void)
{
	const char *h = aws_env("HOME");
	const struct passwd *pw = h ? NULL : getpwuid(getuid());

	return h ? h : pw ? pw->pw_dir : "/";
}

int aws_path(char out[PATH_MAX], const char *path)
{
	int tilde = path[0] == '~' && (path[1] == '/' || !path[1]);
	int n = snprintf(out, PATH_MAX, "%s%s", tilde ? home() : "", path + tilde);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static char *read_fd(int fd, size_t most, size_t *len)
{
	char *text = OPENSSL_malloc(most + 1);
	size_t n = 0;
	ssize_t r = 1;

	while (text && n <= most && (r = read(fd, text + n, most + 1 - n)) > 0)
		n += (size_t)r;
	if (!text || r < 0 || n > most) {
		int e = !text ? ENOMEM : r < 0 ? errno : EFBIG;

		OPENSSL_clear_free(text, most + 1);
		errno = e;
		return NULL;
	}
	text[n] = 0;
	*len = n;
	return text;
}

/* Whoever writes into a pipe may never come, and the agent's one thread would wait. */
static int may_wait(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

char *aws_read_file(const char *path, size_t most, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), e;
	char *text = NULL;

	if (fd < 0)
		return NULL;
	if (may_wait(fd))
		errno = EOPNOTSUPP;
	else
		text = read_fd(fd, most, len);
	e = errno;
	close(fd);
	errno = e;
	return text;
}

/* ---- lines */

struct parser {
	struct awsconf *c;
	const struct file *file;
	int credentials;                /* which of both it is */
	unsigned line;
	enum awsconf_kind kind;
	const char *section;            /* NULL: before the first */
	size_t indent;                  /* of the last setting */
	struct entry *last;             /* that a longer indented line goes on with; NULL: none */
	char *why;
};

static int wrong(const struct parser *p, const char *what)
{
	snprintf(p->why, AWSCONF_WHY, "%.400s:%u: %s", p->file->path, p->line, what);
	return -EINVAL;
}

static int add(struct parser *p, const char *parent, const char *name, char *value)
{
	struct awsconf *c = p->c;

	if (c->entries == c->room) {
		size_t room = c->room ? 2 * c->room : 64;
		struct entry *more = realloc(c->entry, room * sizeof(*more));

		if (!more)
			return wrong(p, "no memory");
		c->entry = more;
		c->room = room;
	}
	p->last = &c->entry[c->entries++];
	*p->last = (struct entry){ p->kind, p->section, parent, name, value };
	return 0;
}

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = 0;
	return s;
}

/* "profile x" -> kind and x. */
static char *section_name(struct parser *p, char *s)
{
	static const struct { const char *word; enum awsconf_kind kind; } words[] = {
		{ "profile", AWSCONF_PROFILE }, { "sso-session", AWSCONF_SSO }, { "services", AWSCONF_SERVICES },
	};
	size_t n = strcspn(s, " \t");

	p->kind = p->credentials ? AWSCONF_CREDENTIALS : strcmp(s, "default") ? AWSCONF_OTHER : AWSCONF_PROFILE;
	for (size_t i = 0; !p->credentials && s[n] && i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i].word) == n && !memcmp(words[i].word, s, n)) {
			p->kind = words[i].kind;
			s = trim(s + n);
		}
	n = strlen(s);
	if (n >= 2 && (*s == '"' || *s == '\'') && s[n - 1] == *s) {
		s[n - 1] = 0;
		s++;
	}
	return s;
}

static int section(struct parser *p, char *line)
{
	char *end = strchr(line, ']');

	if (!end)
		return wrong(p, "a section without its ]");
	*end = 0;
	p->section = section_name(p, trim(line + 1));
	p->indent = 0;
	if (add(p, NULL, NULL, NULL))
		return -EINVAL;
	p->last = NULL;
	return 0;
}

/* Cuts a comment after white space. */
static void cut_comment(char *s)
{
	for (char *c = s; *c; c++)
		if (isspace((unsigned char)*c) && (c[1] == '#' || c[1] == ';')) {
			*c = 0;
			return;
		}
}

/* "name = value" in place; 0 if it is none. */
static int split(char *line, char **name, char **value)
{
	char *eq = line + strcspn(line, "=:");

	if (!*eq || eq == line)
		return 0;
	*eq = 0;
	cut_comment(eq + 1);
	*name = trim(line);
	*value = trim(eq + 1);
	for (char *c = *name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return 1;
}

/* A line that goes on with the last setting: one nested in it, or more of its value. */
static int continued(struct parser *p, char *line)
{
	char *name, *value, *end;

	if (p->last->parent || !*p->last->value) {
		const char *parent = p->last->parent ? p->last->parent : p->last->name;

		return split(line, &name, &value) ? add(p, parent, name, value) : wrong(p, "not \"name = value\"");
	}
	end = p->last->value + strlen(p->last->value);
	cut_comment(line);
	line = trim(line);
	*end++ = '\n';
	memmove(end, line, strlen(line) + 1);
	return 0;
}

static int setting(struct parser *p, char *line, size_t indent)
{
	char *name, *value;

	if (!p->section)
		return wrong(p, "a setting before the first [section]");
	if (p->last && indent > p->indent)
		return continued(p, line);
	if (!split(line, &name, &value))
		return wrong(p, "neither \"name = value\" nor [section]");
	p->indent = indent;
	return add(p, NULL, name, value);
}

static int parse_line(struct parser *p, char *line)
{
	size_t indent = strspn(line, " \t");
	char *s = trim(line);

	if (!*s || *s == '#' || *s == ';')
		return 0;
	if (*s == '[')
		return section(p, s);
	return setting(p, s, indent);
}

static int parse(struct parser *p, char *text, size_t len)
{
	char *next;

	if (memchr(text, 0, len)) {
		p->line = 1;
		return wrong(p, "not a text file");
	}
	if (!strncmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	for (; text; text = next) {
		next = strchr(text, '\n');
		if (next)
			*next++ = 0;
		p->line++;
		if (parse_line(p, text))
			return -EINVAL;
	}
	return 0;
}

/* ---- both files */

static int load(struct awsconf *c, struct file *f, const char *variable, const char *usual, char *why)
{
	struct parser p = { .c = c, .file = f, .credentials = f == &c->credentials, .why = why };
	const char *path = aws_env(variable);

	if (aws_path(f->path, path ? path : usual)) {
		snprintf(why, AWSCONF_WHY, "%s: the name is too long", variable);
		return -EINVAL;
	}
	f->text = aws_read_file(f->path, FILE_MOST, &f->len);
	if (!f->text && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!f->text) {
		snprintf(why, AWSCONF_WHY, "%.400s: cannot be read: %.60s", f->path, strerror(errno));
		return -EINVAL;
	}
	return parse(&p, f->text, f->len);
}

struct awsconf *awsconf_load(char why[AWSCONF_WHY])
{
	struct awsconf *c = calloc(1, sizeof(*c));

	if (!c) {
		snprintf(why, AWSCONF_WHY, "no memory");
		return NULL;
	}
	if (load(c, &c->config, "AWS_CONFIG_FILE", "~/.aws/config", why) ||
	    load(c, &c->credentials, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", why)) {
		awsconf_free(c);
		return NULL;
	}
	return c;
}

void awsconf_free(struct awsconf *c)
{
	if (!c)
		return;
	OPENSSL_clear_free(c->config.text, c->config.len);
	OPENSSL_clear_free(c->credentials.text, c->credentials.len);
	free(c->entry);
	free(c);
}

/* ---- asking */

static int is_named(const struct entry *e, const char *name)
{
	size_t n = e->parent ? strlen(e->parent) : 0;

	if (!e->name || !name)
		return !e->name && !name;
	if (e->parent)
		return !strncmp(name, e->parent, n) && name[n] == '.' && !strcmp(name + n + 1, e->name);
	return !strcmp(name, e->name);
}

/* The last one counts. */
static const struct entry *find(const struct awsconf *c, enum awsconf_kind kind, const char *within,
				const char *name)
{
	for (size_t i = c->entries; i--; ) {
		const struct entry *e = &c->entry[i];

		if (e->kind == kind && !strcmp(e->section, within) && is_named(e, name))
			return e;
	}
	return NULL;
}

const char *awsconf_get(const struct awsconf *c, enum awsconf_kind kind, const char *within, const char *name)
{
	const struct entry *e = find(c, kind, within, name);

	return e && *e->value ? e->value : NULL;
}

const char *awsconf_profile(const struct awsconf *c, const char *profile, const char *name)
{
	const char *v = awsconf_get(c, AWSCONF_CREDENTIALS, profile, name);

	return v ? v : awsconf_get(c, AWSCONF_PROFILE, profile, name);
}

int awsconf_has_profile(const struct awsconf *c, const char *profile)
{
	return find(c, AWSCONF_CREDENTIALS, profile, NULL) || find(c, AWSCONF_PROFILE, profile, NULL);
}

const char *awsconf_file(const struct awsconf *c, enum awsconf_kind kind)
{
	return kind == AWSCONF_CREDENTIALS ? c->credentials.path : c->config.path;
}

void awsconf_wipe(struct awsconf *c)
{
	static const char *const secret[] = { "aws_secret_access_key", "aws_session_token", "aws_security_token" };

	for (size_t i = 0; i < c->entries; i++)
		for (size_t k = 0; k < sizeof(secret) / sizeof(*secret); k++)
			if (is_named(&c->entry[i], secret[k]))
				OPENSSL_cleanse(c->entry[i].value, strlen(c->entry[i].value));
}
