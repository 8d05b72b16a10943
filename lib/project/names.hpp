// Whose container has which name: one set for all projects of the machine, and where an id is found.
//
// <state>/names/<name> is a symbolic link to the container's directory, made by the supervisor just before it takes the
// container over from staging: a name is claimed by making the link, which exactly one of two can. A link whose
// container is not there (any more) holds nobody up: whoever wants the name takes it over. Ids need no index: they are
// names of directories. Thread-compatible; several processes may do all of it at once.
#pragma once

#include "davit/error.hpp"
#include "project/store.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit {

class NameIndex {
public:
    explicit NameIndex(Roots roots) : store_(std::move(roots)) {}

    struct Holder {
        std::string project, id;
        bool operator==(const Holder&) const = default;
    };
    // Empty: nobody's. Reads one record.
    std::optional<Holder> find(const std::string& name) const;
    // Containers whose ids begin so, hidden ones of hooks too; two are enough to know that it is ambiguous.
    std::vector<Holder> by_prefix(const std::string& prefix, std::size_t most = 2) const;

    // For who makes the container, or gives it the name; again is fine. Throws conflict, with Docker's text.
    void claim(const std::string& name, const Holder& who) const;
    // Before the container goes, or has another name. Another's is left alone.
    void release(const std::string& name, const Holder& who) const;

    // What differs from the records: names without a link to their container, and links without their container.
    std::vector<std::string> wrong() const;
    // From the records. Happens by itself once a boot.
    void rebuild() const;

private:
    std::string link(const std::string& name) const;
    std::optional<Holder> read(const std::string& path) const;
    bool has(const Holder& who, const std::string& name) const;
    bool in_the_making(const Holder& who) const;
    void take_over(const std::string& path, const Holder& seen) const;
    void ensure() const;
    void put(const std::string& name, const Holder& who) const;

    RecordStore store_;
    mutable bool ensured_ = false;
};

// "Conflict. The container name "/web" is already in use by container "0123…" …"
Error name_in_use(const std::string& name, const std::string& id);

} // namespace davit
