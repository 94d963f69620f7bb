/* header.c - each public header compiles alone, in strict C11. */
#include HEADER

int main(void)
{
    return 0;
}
