#include "build/foreign.hpp"

#include "base/dir.hpp"
#include "base/file.hpp"
#include "image/platform.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <elf.h>
#include <optional>

namespace davit::build {

namespace {

constexpr const char* binfmt_directory = "/proc/sys/fs/binfmt_misc";

struct Machine {
    const char* architecture;
    unsigned elf; // e_machine
    const char* qemu;
};
constexpr Machine machines[] = {
    {"amd64", EM_X86_64, "x86_64"},  {"386", EM_386, "i386"},           {"arm64", EM_AARCH64, "aarch64"},
    {"arm", EM_ARM, "arm"},          {"riscv64", EM_RISCV, "riscv64"},  {"ppc64le", EM_PPC64, "ppc64le"},
    {"s390x", EM_S390, "s390x"},     {"mips64le", EM_MIPS, "mips64el"}, {"mips64", EM_MIPS, "mips64"},
    {"loong64", 258, "loongarch64"},
};

const Machine* machine_of(const std::string& architecture) {
    const auto it = std::find_if(std::begin(machines), std::end(machines),
                                 [&](const Machine& m) { return architecture == m.architecture; });
    return it == std::end(machines) ? nullptr : it;
}

// The value of a line "key value"; nullopt: no such line.
std::optional<std::string_view> line_of(std::string_view entry, std::string_view key) {
    for (std::size_t at = 0; at < entry.size();) {
        const std::size_t end = std::min(entry.find('\n', at), entry.size());
        const std::string_view line = entry.substr(at, end - at);
        if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ')
            return line.substr(key.size() + 1);
        at = end + 1;
    }
    return std::nullopt;
}

int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

std::vector<unsigned> bytes_of(std::string_view hex) {
    std::vector<unsigned> out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        const int high = digit(hex[i]), low = digit(hex[i + 1]);
        if (high < 0 || low < 0) return {};
        out.push_back(static_cast<unsigned>(high * 16 + low));
    }
    return out;
}

} // namespace

bool handles(std::string_view entry, const std::string& architecture) {
    const Machine* wanted = machine_of(architecture);
    const auto magic = line_of(entry, "magic");
    const auto flags = line_of(entry, "flags:");
    if (!wanted || !entry.starts_with("enabled") || !magic || line_of(entry, "offset").value_or("0") != "0")
        return false;
    if (!flags || flags->find('F') == std::string_view::npos) return false;
    constexpr std::size_t end_of_machine = 20; // bytes of an ELF header up to e_machine
    const auto bytes = bytes_of(*magic);
    if (bytes.size() < end_of_machine || bytes[0] != ELFMAG0 || bytes[1] != ELFMAG1) return false;
    const bool big = bytes[EI_DATA] == ELFDATA2MSB;
    if (wanted->elf == EM_MIPS && big != (architecture == "mips64")) return false;
    return (big ? bytes[18] * 256 + bytes[19] : bytes[19] * 256 + bytes[18]) == wanted->elf;
}

bool runs(const std::string& platform, const std::string& machine, const std::vector<std::string>& entries) {
    const image::Platform wanted = image::parse_platform(platform), here = image::parse_platform(machine);
    if (wanted.os != here.os) return false;
    if (wanted.architecture == here.architecture) return true;
    if (here.architecture == "amd64" && wanted.architecture == "386") return true;
    if (here.architecture == "arm64" && wanted.architecture == "arm") return true;
    return std::any_of(entries.begin(), entries.end(),
                       [&](const std::string& entry) { return handles(entry, wanted.architecture); });
}

std::vector<std::string> binfmt_handlers() {
    std::vector<std::string> out;
    const Dir listing(::opendir(binfmt_directory));
    if (!listing) return out;
    while (const dirent* e = ::readdir(listing.get())) {
        const std::string name = e->d_name;
        if (name == "." || name == ".." || name == "register" || name == "status") continue;
        if (auto text = read_file_if_exists(std::string(binfmt_directory) + "/" + name))
            out.push_back(std::move(*text));
    }
    return out;
}

std::string handler_name(const std::string& architecture) {
    const Machine* machine = machine_of(architecture);
    return "qemu-" + (machine ? std::string(machine->qemu) : architecture);
}

} // namespace davit::build
