#include "unit/runtime/box.hpp"

#include "base/file.hpp"

#include <sys/stat.h>

// The program itself, so that a machine without the build directory has it as well.
asm(".section .rodata\n.balign 16\nonlooker_begin:\n.incbin \"" DAVIT_ONLOOKER "\"\nonlooker_end:\n.byte 0\n.text\n");
extern "C" {
extern const char onlooker_begin[], onlooker_end[];
}

namespace davit::runtime::test {

void with_onlooker(Box& box) {
    static const std::string path = [] {
        write_file_in_place("/tmp/onlooker",
                            std::string_view(onlooker_begin, static_cast<std::size_t>(onlooker_end - onlooker_begin)));
        ::chmod("/tmp/onlooker", 0755);
        return std::string("/tmp/onlooker");
    }();
    Mount m;
    m.source = path;
    m.destination = "/onlooker";
    m.readonly = true;
    add_mount(box.spec, m);
}

} // namespace davit::runtime::test
