// Runs one launch from a file, in a process that a sanitizer watches: `runner KERNEL INPUT OUTPUT`. Each array has an
// allocation of exactly its size. The kernels and their table come from the unit that includes this file.
//
// INPUT: grid and block (3 + 3 x u32), shared bytes and number of arguments (2 x u64), then for each argument whether it is
// an array and its size (2 x u64), and its bytes. OUTPUT: the arrays, as the kernel left them.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct Argument {
    uint64_t is_array, size;
    char* memory;
    void* value;  // what the kernel's parameter holds
};

static void read_bytes(void* to, size_t size, FILE* file) {
    if (fread(to, 1, size, file) != size) exit(3);
}

int main(int, char** argv) {
    FILE* input = fopen(argv[2], "rb");
    unsigned grid[3], block[3];
    uint64_t sizes[2];
    read_bytes(grid, sizeof grid, input);
    read_bytes(block, sizeof block, input);
    read_bytes(sizes, sizeof sizes, input);
    Argument* arguments = static_cast<Argument*>(calloc(sizes[1], sizeof(Argument)));
    void** pointers = static_cast<void**>(calloc(sizes[1], sizeof(void*)));
    for (uint64_t i = 0; i < sizes[1]; ++i) {
        Argument& a = arguments[i];
        read_bytes(&a.is_array, sizeof a.is_array, input);
        read_bytes(&a.size, sizeof a.size, input);
        a.value = a.memory = static_cast<char*>(malloc(a.size));
        read_bytes(a.memory, a.size, input);
        pointers[i] = a.is_array ? static_cast<void*>(&a.value) : a.memory;
    }
    fclose(input);
    for (const Entry* entry = entries; entry->name; ++entry)
        if (!strcmp(entry->name, argv[1]) && entry->launch(grid, block, sizes[0], pointers)) {
            fprintf(stderr, "%s\n", emulator_message());
            return 2;
        }
    FILE* output = fopen(argv[3], "wb");
    for (uint64_t i = 0; i < sizes[1]; ++i)
        if (arguments[i].is_array) fwrite(arguments[i].memory, 1, arguments[i].size, output);
    fclose(output);
    return 0;
}
