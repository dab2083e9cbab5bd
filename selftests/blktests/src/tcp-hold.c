// SPDX-License-Identifier: GPL-2.0+
/*
 * Pass TCP connections on, until told to hold what the clients send.
 *
 *	tcp-hold PORT SERVER_PORT	both on 127.0.0.1
 *
 * It goes to the background when it listens, and prints its process ID.
 *
 * SIGUSR1: From now on, keep what clients send. Do not tell the server when they
 *	    close, and close what they open.
 * SIGUSR2: Deliver to the server what was kept, in order, and pass data on again.
 *
 * A connection whose client has gone stays open towards the server, as if that had
 * not noticed yet.
 */

#include <err.h>
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_PAIRS 128

static struct pair {
	int client;	/* -1: it has closed while data was held */
	int server;	/* -1: the pair is not in use */
	char *held;
	size_t len;
} pairs[MAX_PAIRS];

static int holding;

static int local_socket(struct sockaddr_in *addr, const char *port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memset(addr, 0, sizeof(*addr));
	addr->sin_family = AF_INET;
	addr->sin_port = htons(atoi(port));
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		err(1, "socket");
	return fd;
}

/* What the other end does not take is lost with it. */
static void write_all(int fd, const char *buf, size_t len)
{
	ssize_t n;

	for (; len; buf += n, len -= n) {
		n = write(fd, buf, len);
		if (n < 0)
			return;
	}
}

static void hang_up(struct pair *p)
{
	if (p->client >= 0)
		close(p->client);
	close(p->server);
	free(p->held);
	memset(p, 0, sizeof(*p));
	p->client = p->server = -1;
}

static void accept_client(int listener, const char *port)
{
	struct sockaddr_in addr;
	struct pair *p = pairs;
	int client = accept(listener, NULL, NULL);

	if (client < 0)
		return;
	while (p < pairs + MAX_PAIRS && p->server >= 0)
		p++;
	if (holding || p == pairs + MAX_PAIRS) {
		close(client);
		return;
	}
	p->client = client;
	p->server = local_socket(&addr, port);
	if (connect(p->server, (struct sockaddr *)&addr, sizeof(addr)))
		hang_up(p);
}

static void from_client(struct pair *p)
{
	char buf[65536];
	ssize_t n = read(p->client, buf, sizeof(buf));

	if (n <= 0 && holding) {
		close(p->client);
		p->client = -1;
	} else if (n <= 0) {
		hang_up(p);
	} else if (holding) {
		p->held = realloc(p->held, p->len + n);
		if (!p->held)
			err(1, "realloc");
		memcpy(p->held + p->len, buf, n);
		p->len += n;
	} else {
		write_all(p->server, buf, n);
	}
}

static void from_server(struct pair *p)
{
	char buf[65536];
	ssize_t n = read(p->server, buf, sizeof(buf));

	if (n <= 0)
		hang_up(p);
	else if (p->client >= 0)
		write_all(p->client, buf, n);
}

static void deliver(void)
{
	struct pair *p;

	for (p = pairs; p < pairs + MAX_PAIRS; p++) {
		if (p->server < 0)
			continue;
		write_all(p->server, p->held, p->len);
		p->len = 0;
	}
}

static void on_signal(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	holding = info.ssi_signo == SIGUSR1;
	if (!holding)
		deliver();
}

static void serve(int signals, int listener, const char *port)
{
	struct pollfd fds[2 + 2 * MAX_PAIRS], *fd;
	int i;

	fds[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (;;) {
		for (i = 0, fd = fds + 2; i < MAX_PAIRS; i++) {
			*fd++ = (struct pollfd){ .fd = pairs[i].client, .events = POLLIN };
			*fd++ = (struct pollfd){ .fd = pairs[i].server, .events = POLLIN };
		}
		if (poll(fds, fd - fds, -1) < 0)
			err(1, "poll");

		/* First: what is sent after a signal is treated as it says. */
		if (fds[0].revents) {
			on_signal(signals);
			continue;
		}
		for (i = 0, fd = fds + 2; i < MAX_PAIRS; i++, fd += 2) {
			if (fd[0].revents && pairs[i].client >= 0)
				from_client(&pairs[i]);
			if (fd[1].revents && pairs[i].server >= 0)
				from_server(&pairs[i]);
		}
		if (fds[1].revents)
			accept_client(listener, port);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr;
	sigset_t set;
	int i, listener, signals;
	pid_t pid;

	if (argc != 3)
		errx(1, "usage: tcp-hold PORT SERVER_PORT");

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signals = signalfd(-1, &set, 0);
	if (signals < 0)
		err(1, "signalfd");

	listener = local_socket(&addr, argv[1]);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(listener, MAX_PAIRS))
		err(1, "port %s", argv[1]);
	for (i = 0; i < MAX_PAIRS; i++)
		pairs[i].client = pairs[i].server = -1;

	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid) {
		printf("%d\n", pid);
		return 0;
	}
	/* Who reads its process ID waits for the end of that. */
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	serve(signals, listener, argv[2]);
}
