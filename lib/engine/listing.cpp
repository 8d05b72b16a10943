#include "engine/listing.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "davit/version.hpp"

#include <cstring>
#include <sys/stat.h>
#include <type_traits>
#include <unistd.h>
#include <vector>

namespace davit {

namespace {

constexpr std::string_view magic = "davit " DAVIT_VERSION " listing 1\n";

// Both directions have the same list of members: fields().
class Writer {
public:
    static constexpr bool reads = false;
    std::string out;
    void bytes(void* data, std::size_t size) { out.append(static_cast<const char*>(data), size); }
    void text(std::string& s) {
        std::uint32_t size = static_cast<std::uint32_t>(s.size());
        bytes(&size, sizeof size);
        out += s;
    }
};

class Reader {
public:
    static constexpr bool reads = true;
    explicit Reader(std::string_view text) : in_(text) {}
    bool ok = true;
    void bytes(void* data, std::size_t size) {
        ok = ok && size <= in_.size();
        if (!ok) return void(std::memset(data, 0, size));
        std::memcpy(data, in_.data(), size);
        in_.remove_prefix(size);
    }
    void text(std::string& s) {
        std::uint32_t size = 0;
        bytes(&size, sizeof size);
        ok = ok && size <= in_.size();
        if (!ok) return;
        s.assign(in_.substr(0, size));
        in_.remove_prefix(size);
    }
    bool at_end() const { return in_.empty(); }

private:
    std::string_view in_;
};

template <typename A, typename T>
void field(A& a, T& value);

template <typename A, typename T>
void list(A& a, std::vector<T>& values) {
    std::uint32_t count = static_cast<std::uint32_t>(values.size());
    a.bytes(&count, sizeof count);
    if constexpr (A::reads) {
        for (; count > 0 && a.ok; --count) field(a, values.emplace_back());
    } else {
        for (T& value : values) field(a, value);
    }
}

template <typename A>
void labels(A& a, Labels& values) {
    std::vector<std::string> flat;
    for (const auto& [key, value] : values) flat.insert(flat.end(), {key, value});
    list(a, flat);
    if constexpr (A::reads)
        for (std::size_t i = 0; i + 1 < flat.size(); i += 2) values.emplace(std::move(flat[i]), std::move(flat[i + 1]));
}

template <typename A, typename... T>
void fields(A& a, T&... values) {
    (field(a, values), ...);
}

template <typename A>
void members(A& a, FileStamp& s) {
    fields(a, s.inode, s.changed_ns, s.size);
}
template <typename A>
void members(A& a, PublishedPort& p) {
    fields(a, p.host_ip, p.host_port, p.target, p.protocol);
}
template <typename A>
void members(A& a, AttachedNetwork& n) {
    fields(a, n.name, n.compose_name, n.ipv4, n.ipv6, n.mac, n.aliases);
}
template <typename A>
void members(A& a, AttachedMount& m) {
    fields(a, m.type, m.name, m.source, m.target, m.read_only, m.anonymous);
}
template <typename A>
void members(A& a, ContainerInfo& c) {
    fields(a, c.id, c.name, c.project, c.service, c.number, c.oneoff, c.auto_remove, c.image, c.image_id, c.config_hash,
           c.labels, c.command, c.created, c.state, c.health, c.failing_streak, c.pid, c.started_at, c.finished_at,
           c.exit_code, c.exit_known, c.oom_killed, c.error, c.restart_count, c.network_mode, c.networks, c.ports,
           c.expose, c.mounts, c.tty, c.open_stdin, c.log_driver, c.log_path);
}
template <typename A>
void members(A& a, ListedContainer& c) {
    fields(a, c.record, c.status, c.pid_start, c.hook, c.info);
}

template <typename>
struct is_vector : std::false_type {};
template <typename T>
struct is_vector<std::vector<T>> : std::true_type {};

template <typename A, typename T>
void field(A& a, T& value) {
    if constexpr (std::is_same_v<T, std::string>) a.text(value);
    else if constexpr (std::is_same_v<T, Labels>) labels(a, value);
    else if constexpr (is_vector<T>::value) list(a, value);
    else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) a.bytes(&value, sizeof value);
    else members(a, value);
}

} // namespace

FileStamp FileStamp::of(const std::string& path) {
    struct stat st {};
    if (::stat(path.c_str(), &st) < 0) return {};
    constexpr std::int64_t second = 1'000'000'000;
    return {st.st_ino, st.st_mtim.tv_sec * second + st.st_mtim.tv_nsec, static_cast<std::uint64_t>(st.st_size)};
}

std::string encode(const ListedContainer& container) {
    Writer writer;
    ListedContainer copy = container;
    field(writer, copy);
    return std::move(writer.out);
}

std::optional<ListedContainer> decode_listed(std::string_view text) {
    Reader reader(text);
    ListedContainer out;
    field(reader, out);
    if (!reader.ok || !reader.at_end()) return std::nullopt;
    return out;
}

// A line of the id's 64 digits and the length, then the container.
Listing::Listing(const Roots& roots, const std::string& project)
    : file_(ProjectPaths(roots, project).listing()), next_(magic) {
    try {
        text_ = read_file_if_exists(file_).value_or("");
    } catch (const Error& e) {
        log::debug("the listing of project {} is not read: {}", project, e.what());
    }
    std::string_view rest = text_;
    if (!rest.starts_with(magic)) return;
    rest.remove_prefix(magic.size());
    constexpr std::size_t id_size = 64;
    std::uint32_t size = 0;
    while (rest.size() > id_size + sizeof size) {
        std::memcpy(&size, rest.data() + id_size, sizeof size);
        const std::string_view id = rest.substr(0, id_size);
        rest.remove_prefix(id_size + sizeof size);
        if (size > rest.size()) {
            kept_.clear();
            return;
        }
        kept_.emplace(id, rest.substr(0, size));
        rest.remove_prefix(size);
    }
}

std::optional<ListedContainer> Listing::find(const std::string& id, const FileStamp& record,
                                             const FileStamp& status) const {
    const auto it = kept_.find(id);
    if (it == kept_.end()) return std::nullopt;
    auto found = decode_listed(it->second);
    if (!found || found->record != record || found->status != status) return std::nullopt;
    return found;
}

void Listing::add(const ListedContainer& container) {
    const std::string text = encode(container);
    const auto size = static_cast<std::uint32_t>(text.size());
    next_ += container.info.id;
    next_.append(reinterpret_cast<const char*>(&size), sizeof size);
    next_ += text;
}

void Listing::write() const {
    if (next_ == text_) return;
    try {
        write_file_atomic(file_, next_, 0600, false);
    } catch (const Error& e) {
        log::debug("the listing {} is not written: {}", file_, e.what());
    }
}

} // namespace davit
