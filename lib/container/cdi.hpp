// Devices by name, by the Container Device Interface (CNCF, 1.0): which files of this machine say what a container
// needs of "vendor.com/class=name". Pure: the files' texts come in.
#pragma once

#include "davit/error.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace davit::cdi {

struct File {
    std::string path, text;
    int priority = 0; // of its directory: the higher one's devices count
};

struct Node {
    std::string path, host_path; // inside, and on the machine
    char type = 0;               // 0: as the machine's file is
    unsigned major = 0, minor = 0;
    std::string access = "rwm";
    std::optional<mode_t> mode;
    std::optional<uid_t> uid;
    std::optional<gid_t> gid;
};

struct Mount {
    std::string source, target, type;
    std::vector<std::string> options;
};

struct Edits {
    std::vector<std::string> env; // "KEY=VALUE"
    std::vector<Node> nodes;
    std::vector<Mount> mounts;
    std::vector<gid_t> gids;
    std::vector<std::string> hooks; // their programs
};

// "vendor.com/class=name".
bool is_name(std::string_view text);

class Registry {
public:
    // A file that is no specification adds nothing, and why is told where one of its devices is missed.
    explicit Registry(const std::vector<File>& files);

    // The names of a kind ("nvidia.com/gpu"), sorted.
    std::vector<std::string> devices_of(const std::string& kind) const;
    // What all of them ask for together. Error unsupported: the names that nothing tells of, as Docker says it.
    Edits edits(const std::vector<std::string>& names) const;

private:
    struct Found {
        std::size_t file; // what its file wants with each of its devices is taken once
        Edits edits;
        int priority;
        bool ambiguous = false; // two files of one directory have it
    };
    void add(std::size_t number, const File& file);

    std::map<std::string, Found> devices_;
    std::map<std::size_t, Edits> common_; // by file
    std::vector<std::string> faults_;
};

} // namespace davit::cdi
