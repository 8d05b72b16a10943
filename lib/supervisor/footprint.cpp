#include "supervisor/footprint.hpp"

#include <cstdint>
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace davit::supervisor {

namespace {

int unmap_code(dl_phdr_info* object, std::size_t, void*) {
    static const std::uintptr_t page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const auto& segment = object->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W)) continue; // what relocation wrote is not in the file
        const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
        const std::uintptr_t end = (object->dlpi_addr + segment.p_vaddr + segment.p_memsz + page - 1) & ~(page - 1);
        ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED); // the vDSO's refusal is fine
    }
    return 0;
}

} // namespace

void shrink_footprint() {
    ::malloc_trim(0);
    ::dl_iterate_phdr(unmap_code, nullptr);
}

} // namespace davit::supervisor
