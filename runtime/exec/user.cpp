// Names to numbers by the container's own files. They are untrusted: opened inside the root, regular
// files only, read line by line through a fixed buffer, numbers strict (CVE-2026-30892: "1" was read
// as uid 0 elsewhere). No NSS, no allocation.
#include "runtime/exec/context.hpp"

#include <sys/stat.h>

namespace davit::exec {
namespace {

constexpr std::size_t max_file = 1 << 20; // beyond this the rest of the file is not looked at

class Lines {
public:
    explicit Lines(const char* path) noexcept : fd_(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
        struct stat st {};
        if (fd_ && (::fstat(fd_.get(), &st) < 0 || !S_ISREG(st.st_mode))) fd_.reset();
    }
    // The next line, NUL-terminated, cut at the buffer's end; nullptr after the last.
    char* next() noexcept {
        for (;;) {
            for (std::size_t i = at_; i < have_; ++i)
                if (buffer_[i] == '\n') return take(i);
            if (at_ == 0 && have_ == sizeof buffer_ - 1) return take(have_); // longer than any real entry
            if (!fill()) return at_ < have_ ? take(have_) : nullptr;
        }
    }

private:
    char* take(std::size_t end) noexcept {
        char* line = buffer_ + at_;
        buffer_[end] = 0;
        at_ = end < have_ ? end + 1 : end;
        return line;
    }
    bool fill() noexcept {
        std::memmove(buffer_, buffer_ + at_, have_ - at_);
        have_ -= at_;
        at_ = 0;
        if (!fd_ || total_ >= max_file) return false;
        ssize_t n = ::read(fd_.get(), buffer_ + have_, sizeof buffer_ - 1 - have_);
        if (n <= 0) return false;
        have_ += static_cast<std::size_t>(n);
        total_ += static_cast<std::size_t>(n);
        return true;
    }

    Fd fd_;
    char buffer_[8192];
    std::size_t at_ = 0, have_ = 0, total_ = 0;
};

// Splits at ':' in place; missing fields are empty.
template <std::size_t N>
void split(char* line, const char* (&fields)[N]) noexcept {
    for (std::size_t i = 0; i < N; ++i) {
        fields[i] = line;
        char* colon = std::strchr(line, ':');
        if (colon) *colon = 0, line = colon + 1;
        else line += std::strlen(line);
    }
}

constexpr std::uint32_t max_wanted = 0x7fffffff; // what may be asked for, as in Docker
constexpr std::uint32_t max_listed = 0xfffffffe; // ~0 means "unchanged" to the kernel

bool parse_id(const char* text, std::uint32_t* out, std::uint32_t limit = max_listed) noexcept {
    std::uint64_t value = 0;
    if (!*text) return false;
    for (const char* p = text; *p; ++p) {
        if (*p < '0' || *p > '9') return false;
        value = value * 10 + static_cast<std::uint64_t>(*p - '0');
        if (value > limit) return false;
    }
    *out = static_cast<std::uint32_t>(value);
    return true;
}

void add_group(Account& a, gid_t gid) noexcept {
    for (int i = 0; i < a.group_count; ++i)
        if (a.groups[i] == gid) return;
    if (a.group_count < static_cast<int>(sizeof a.groups / sizeof *a.groups)) a.groups[a.group_count++] = gid;
}

bool find_user(const char* wanted, bool by_number, std::uint32_t number, Account& a, char* name,
               std::size_t name_size) noexcept {
    Lines lines("/etc/passwd");
    while (char* line = lines.next()) {
        const char* field[7]; // name:password:uid:gid:gecos:home:shell
        split(line, field);
        std::uint32_t uid = 0, gid = 0;
        if (!*field[0] || !parse_id(field[2], &uid) || !parse_id(field[3], &gid)) continue;
        // What looks like a number is one: an entry of that name does not count, as in Docker.
        if (by_number ? uid != number : std::strcmp(field[0], wanted) != 0) continue;
        a.uid = uid;
        a.gid = gid;
        if (field[5][0] == '/' && std::strlen(field[5]) < sizeof a.home) std::strcpy(a.home, field[5]);
        Text(name, name_size) << field[0];
        return true;
    }
    return false;
}

// fn(gid, members) for each group of that name or number.
template <typename F>
void each_group(F&& fn) noexcept {
    Lines lines("/etc/group");
    while (char* line = lines.next()) {
        const char* field[4]; // name:password:gid:members
        split(line, field);
        std::uint32_t gid = 0;
        if (*field[0] && parse_id(field[2], &gid) && !fn(field[0], gid, field[3])) return;
    }
}

// Of `user: web:adm` a number is a number; of group_add the first that has it as its name or number counts.
enum class NumericNames { no, yes };

bool find_group(const char* wanted, std::uint32_t* out, NumericNames names) noexcept {
    const bool numeric = parse_id(wanted, out, max_wanted);
    if (numeric && names == NumericNames::no) return true;
    bool found = false;
    const std::uint32_t number = *out;
    each_group([&](const char* name, std::uint32_t gid, const char*) {
        if (std::strcmp(name, wanted) != 0 && !(numeric && gid == number)) return true;
        *out = gid;
        found = true;
        return false;
    });
    return found || numeric;
}

bool is_member(const char* members, const char* name) noexcept {
    std::size_t n = std::strlen(name);
    for (const char* p = members; *p;) {
        const char* end = std::strchr(p, ',');
        std::size_t size = end ? static_cast<std::size_t>(end - p) : std::strlen(p);
        if (size == n && std::memcmp(p, name, n) == 0) return true;
        p += size + (end ? 1 : 0);
    }
    return false;
}

} // namespace

bool step(Context& c, const UserStep& s) noexcept {
    Account& a = c.account;
    char wanted[256];
    if (s.name.size >= sizeof wanted) return c.fail(Stage::user, ENAMETOOLONG, c.steps.text(s.name));
    std::strcpy(wanted, c.steps.text(s.name));
    char* group = std::strchr(wanted, ':');
    if (group) *group++ = 0;
    const char* user = *wanted ? wanted : "0";
    std::uint32_t number = 0;
    bool numeric = parse_id(user, &number, max_wanted);
    char name[256] = "";
    if (!find_user(user, numeric, number, a, name, sizeof name)) {
        if (!numeric) return c.fail(Stage::user, 0, user);
        a.uid = number;
        a.gid = 0;
    }
    if (group && *group) {
        std::uint32_t gid = 0;
        if (!find_group(group, &gid, NumericNames::no)) return c.fail(Stage::group, 0, group);
        a.gid = gid;
    }
    add_group(a, a.gid);
    if (!(group && *group) && *name)
        each_group([&](const char*, std::uint32_t gid, const char* members) {
            if (is_member(members, name)) add_group(a, gid);
            return true;
        });
    for (std::uint32_t i = 0; i < s.groups.count; ++i) {
        const char* extra = c.steps.text(c.steps.item(s.groups, i));
        std::uint32_t gid = 0;
        if (!find_group(extra, &gid, NumericNames::yes)) return c.fail(Stage::group, 0, extra);
        add_group(a, gid);
    }
    return true;
}

} // namespace davit::exec
