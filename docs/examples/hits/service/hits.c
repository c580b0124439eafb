// hits: answers every request with how often it was asked for, and keeps the count in SQLite.
#include <netinet/in.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sqlite3 *db;

static int count(const char *path) {
    sqlite3_stmt *add;
    int hits = -1;
    const char *sql = "INSERT INTO hits VALUES (?, 1) ON CONFLICT (path) DO UPDATE SET n = n + 1 RETURNING n";
    if (sqlite3_prepare_v2(db, sql, -1, &add, NULL) == SQLITE_OK) {
        sqlite3_bind_text(add, 1, path, -1, SQLITE_STATIC);
        if (sqlite3_step(add) == SQLITE_ROW) hits = sqlite3_column_int(add, 0);
        sqlite3_finalize(add);
    }
    return hits;
}

static void answer(int client) {
    char request[4096], path[256], text[512];
    ssize_t length = read(client, request, sizeof request - 1);
    if (length <= 0) return;
    request[length] = 0;
    if (sscanf(request, "GET %255s", path) != 1) return;
    char body[300];
    int size = snprintf(body, sizeof body, "%s: %d\n", path, count(path));
    int total = snprintf(text, sizeof text, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, body);
    if (write(client, text, total) != total) perror("hits: write");
}

int main(int argc, char **argv) {
    const char *file = getenv("HITS_DATABASE");
    if (sqlite3_open(file ? file : "hits.db", &db) != SQLITE_OK ||
        sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS hits (path TEXT PRIMARY KEY, n INTEGER)", 0, 0, 0)) {
        fprintf(stderr, "hits: %s\n", sqlite3_errmsg(db));
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "--check") == 0) {
        printf("hits: %d\n", count("/check"));
        return 0;
    }
    int server = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(argc > 1 ? atoi(argv[1]) : 8080)};
    if (server < 0 || bind(server, (struct sockaddr *)&address, sizeof address) || listen(server, 16)) {
        perror("hits");
        return 1;
    }
    for (;;) {
        int client = accept(server, NULL, NULL);
        if (client < 0) continue;
        answer(client);
        close(client);
    }
}
