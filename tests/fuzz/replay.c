/* replay.c - main() of a fuzz target without a fuzzing engine: replays files and folders of them. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END)) {
        perror(path);
        return 1;
    }
    const long size = ftell(f);
    rewind(f);
    uint8_t *data = malloc(size ? (size_t)size : 1);        /* exact size, so that ASan sees an over-read */
    if (!data || fread(data, 1, (size_t)size, f) != (size_t)size) {
        perror(path);
        return 1;
    }
    fclose(f);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (!folder) {
            if (replay_file(argv[i])) return 1;
            count++;
            continue;
        }
        for (struct dirent *e; (e = readdir(folder)); ) {
            char path[4096];
            if (e->d_name[0] == '.') continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
            if (replay_file(path)) return 1;
            count++;
        }
        closedir(folder);
    }
    printf("%d inputs replayed\n", count);
    return count == 0;
}
