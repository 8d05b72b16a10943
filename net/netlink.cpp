#include "net/netlink.hpp"

#include "base/error.hpp"
#include "net/netns.hpp"

#include <cstring>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <memory>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <new>
#include <optional>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace davit::net {

namespace {

constexpr std::size_t initial_size = 256;
constexpr std::size_t netlink_receive_size = 64 * 1024; // the kernel fills dumps up to 32 KiB
// The kernel answers a whole send before it returns, and libnl's sockets hold 85 acknowledgements: what
// comes after is lost, with ENOBUFS.
constexpr std::size_t slice_messages = 32;
constexpr std::size_t slice_bytes = 32 * 1024;

// Not zeroed: a container's network needs twenty answers, of a hundred bytes each.
class Buffer {
public:
    char* data() { return bytes_.get(); }
    std::size_t size() const { return netlink_receive_size; }

private:
    std::unique_ptr<char[]> bytes_ = std::make_unique_for_overwrite<char[]>(netlink_receive_size);
};

// Only libnl's out-of-space is expected: the message grows and the step is tried again.
template <typename Step>
void with_room(nl_msg* msg, std::size_t need, Step step) {
    if (step()) return;
    const std::size_t size = nlmsg_get_max_size(msg);
    if (nlmsg_expand(msg, size * 2 + need + 64) < 0 || !step()) throw std::bad_alloc();
}

// The kernel's own words about a failure: NLMSGERR_ATTR_MSG behind the error message.
std::string extended_text(const nlmsghdr* answer) {
    if (!(answer->nlmsg_flags & NLM_F_ACK_TLVS)) return {};
    const auto* err = static_cast<const nlmsgerr*>(nlmsg_data(answer));
    std::size_t skip = sizeof(nlmsgerr);
    if (!(answer->nlmsg_flags & NLM_F_CAPPED)) skip += NLMSG_ALIGN(err->msg.nlmsg_len) - sizeof(nlmsghdr);
    const std::size_t size = answer->nlmsg_len - NLMSG_HDRLEN;
    if (skip >= size) return {};
    return Attributes(static_cast<const char*>(nlmsg_data(answer)) + skip, size - skip).text(NLMSGERR_ATTR_MSG);
}

Error failure(const std::string& what, int errnum, const std::string& text) {
    return text.empty() ? sys_error(errnum, "{}", what) : sys_error(errnum, "{}: {}", what, text);
}

bool contains(std::initializer_list<int> list, int value) {
    for (const int v : list)
        if (v == value) return true;
    return false;
}

} // namespace

// --- Message ----------------------------------------------------------------------------------------

Message::Message(int type, int flags, const void* header, std::size_t header_size)
    : msg_(nlmsg_alloc_size(initial_size)) {
    if (!msg_ || !nlmsg_put(msg_, 0, 0, type, 0, flags | NLM_F_REQUEST)) throw std::bad_alloc();
    put_raw(header, header_size);
}

Message::Message(Message&& o) noexcept : what(std::move(o.what)), msg_(std::exchange(o.msg_, nullptr)) {}

Message& Message::operator=(Message&& o) noexcept {
    std::swap(msg_, o.msg_);
    what = std::move(o.what);
    return *this;
}

Message::~Message() {
    if (msg_) nlmsg_free(msg_);
}

nlmsghdr* Message::hdr() { return nlmsg_hdr(msg_); }
const nlmsghdr* Message::header() const { return nlmsg_hdr(msg_); }

std::string_view Message::bytes() const {
    const nlmsghdr* h = header();
    return {reinterpret_cast<const char*>(h), NLMSG_ALIGN(h->nlmsg_len)};
}

Message& Message::put(int attribute, const void* data, std::size_t size) {
    with_room(msg_, size, [&] { return nla_put(msg_, attribute, static_cast<int>(size), data) == 0; });
    return *this;
}

Message& Message::put_string(int attribute, std::string_view text) {
    const std::string z(text);
    return put(attribute, z.c_str(), z.size() + 1);
}

Message& Message::put_be32(int attribute, std::uint32_t v) {
    v = __builtin_bswap32(v);
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    return put(attribute, &v, sizeof v);
}

Message& Message::put_be64(int attribute, std::uint64_t v) {
    v = __builtin_bswap64(v);
    return put(attribute, &v, sizeof v);
}

Message& Message::put_raw(const void* data, std::size_t size) {
    with_room(msg_, size, [&] {
        void* place = nlmsg_reserve(msg_, size, NLMSG_ALIGNTO);
        if (place) std::memcpy(place, data, size);
        return place != nullptr;
    });
    return *this;
}

Message::Nest::Nest(Message& m, int attribute) : message_(m), start_(m.header()->nlmsg_len) {
    start_ = NLMSG_ALIGN(start_);
    message_.put(attribute | NLA_F_NESTED, nullptr, 0);
}

Message::Nest::~Nest() {
    auto* attr = reinterpret_cast<nlattr*>(reinterpret_cast<char*>(message_.hdr()) + start_);
    attr->nla_len = static_cast<std::uint16_t>(message_.header()->nlmsg_len - start_);
}

// --- NetlinkSocket ----------------------------------------------------------------------------------

struct NetlinkSocket::Impl {
    nl_sock* sock = nullptr;
    std::uint32_t seq = 1;
    std::size_t send_buffer = 0;

    explicit Impl(int protocol) : sock(nl_socket_alloc()) {
        if (!sock) throw std::bad_alloc();
        if (const int err = nl_connect(sock, protocol); err < 0) {
            nl_socket_free(sock);
            throw error(Errc::failed, "opening a netlink socket: {}", nl_geterror(err));
        }
        const int on = 1;
        ::setsockopt(fd(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
        ::setsockopt(fd(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    }
    ~Impl() { nl_socket_free(sock); }
    Impl(const Impl&) = delete;

    int fd() const { return nl_socket_get_fd(sock); }

    // One datagram; a transaction must fit into the send buffer, which root may enlarge.
    void send(std::string_view bytes) {
        if (bytes.size() > slice_bytes && bytes.size() > send_buffer) {
            const int size = static_cast<int>(bytes.size()); // the kernel takes it twice
            if (::setsockopt(fd(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
                ::setsockopt(fd(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
            send_buffer = bytes.size();
        }
        sockaddr_nl kernel{};
        kernel.nl_family = AF_NETLINK;
        while (::sendto(fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
                        sizeof kernel) < 0)
            if (errno != EINTR) throw sys_error(errno, "sending to the kernel over netlink");
    }

    // Calls fn for each message of one datagram; false: would block (only with MSG_DONTWAIT).
    template <typename Fn>
    bool receive(Buffer& buffer, int flags, Fn fn) {
        ssize_t n;
        while ((n = ::recv(fd(), buffer.data(), buffer.size(), flags)) < 0) {
            if (errno == EAGAIN) return false;
            if (errno == ENOBUFS && (flags & MSG_DONTWAIT)) continue; // the first of many errors are there
            if (errno != EINTR) throw sys_error(errno, "receiving from the kernel over netlink");
        }
        int left = static_cast<int>(n);
        for (auto* h = reinterpret_cast<nlmsghdr*>(buffer.data()); nlmsg_ok(h, left); h = nlmsg_next(h, &left)) fn(h);
        return true;
    }

    // Waits for all answers to the messages of one send; the first failure among them.
    std::optional<Error> acknowledged(std::uint32_t first, std::size_t count, const Message* messages) {
        std::optional<Error> failed;
        Buffer buffer;
        for (std::size_t waiting = count; waiting > 0;) {
            receive(buffer, 0, [&](const nlmsghdr* h) {
                if (h->nlmsg_type != NLMSG_ERROR || !ours(h, first, count)) return;
                --waiting;
                const auto* err = static_cast<const nlmsgerr*>(nlmsg_data(h));
                if (err->error != 0 && !failed)
                    failed = failure(messages[h->nlmsg_seq - first].what, -err->error, extended_text(h));
            });
        }
        return failed;
    }

    // What an earlier exchange left behind when it ended with an exception.
    static bool ours(const nlmsghdr* h, std::uint32_t first, std::size_t count) { return h->nlmsg_seq - first < count; }
};

NetlinkSocket::NetlinkSocket(int protocol) : impl_(std::make_unique<Impl>(protocol)) {}

NetlinkSocket::NetlinkSocket(int protocol, int netns_fd) {
    NetnsScope scope(netns_fd);
    impl_ = std::make_unique<Impl>(protocol);
}

NetlinkSocket::NetlinkSocket(NetlinkSocket&&) noexcept = default;
NetlinkSocket& NetlinkSocket::operator=(NetlinkSocket&&) noexcept = default;
NetlinkSocket::~NetlinkSocket() = default;

int NetlinkSocket::link_index(const std::string& name) const {
    ifreq request{};
    if (name.size() >= sizeof request.ifr_name) return 0;
    std::memcpy(request.ifr_name, name.data(), name.size());
    return ::ioctl(fd(), SIOCGIFINDEX, &request) == 0 ? request.ifr_ifindex : 0;
}

int NetlinkSocket::fd() const { return impl_->fd(); }

void NetlinkSocket::request(Message message) {
    std::vector<Message> one;
    one.push_back(std::move(message));
    request_all(std::move(one));
}

void NetlinkSocket::request_all(std::vector<Message> messages) {
    std::optional<Error> first_error;
    for (std::size_t at = 0; at < messages.size();) {
        std::string bytes;
        std::size_t count = 0;
        const std::uint32_t first = impl_->seq;
        for (; at + count < messages.size() && count < slice_messages; ++count) {
            const Message& m = messages[at + count];
            if (count > 0 && bytes.size() + m.bytes().size() > slice_bytes) break;
            const std::size_t start = bytes.size();
            bytes += m.bytes();
            auto* h = reinterpret_cast<nlmsghdr*>(bytes.data() + start);
            h->nlmsg_flags |= NLM_F_ACK;
            h->nlmsg_seq = impl_->seq++;
        }
        impl_->send(bytes);
        auto failed = impl_->acknowledged(first, count, &messages[at]);
        if (failed && !first_error) first_error = std::move(failed);
        at += count;
    }
    if (first_error) throw *first_error;
}

int NetlinkSocket::request_allowing(Message message, std::initializer_list<int> allowed) {
    int result = 0;
    Buffer buffer;
    const std::uint32_t seq = impl_->seq++;
    std::string bytes(message.bytes());
    auto* out = reinterpret_cast<nlmsghdr*>(bytes.data());
    out->nlmsg_flags |= NLM_F_ACK;
    out->nlmsg_seq = seq;
    impl_->send(bytes);
    std::string text;
    for (bool done = false; !done;) {
        impl_->receive(buffer, 0, [&](const nlmsghdr* h) {
            if (h->nlmsg_seq != seq || h->nlmsg_type != NLMSG_ERROR) return;
            result = -static_cast<const nlmsgerr*>(nlmsg_data(h))->error;
            text = extended_text(h);
            done = true;
        });
    }
    if (result != 0 && !contains(allowed, result)) throw failure(message.what, result, text);
    return result;
}

bool NetlinkSocket::query(Message message, const std::function<void(const nlmsghdr*)>& fn,
                          std::initializer_list<int> allowed) {
    const std::uint32_t seq = impl_->seq++;
    std::string bytes(message.bytes());
    auto* out = reinterpret_cast<nlmsghdr*>(bytes.data());
    out->nlmsg_seq = seq;
    out->nlmsg_flags |= NLM_F_ACK;
    impl_->send(bytes);
    int result = 0;
    std::string text;
    Buffer buffer;
    for (bool done = false; !done;) {
        impl_->receive(buffer, 0, [&](const nlmsghdr* h) {
            if (h->nlmsg_seq != seq) return;
            if (h->nlmsg_type != NLMSG_ERROR) return fn(h);
            result = -static_cast<const nlmsgerr*>(nlmsg_data(h))->error;
            text = extended_text(h);
            done = true;
        });
    }
    if (result != 0 && !contains(allowed, result)) throw failure(message.what, result, text);
    return result == 0;
}

void NetlinkSocket::dump(const Message& message, const std::function<void(const nlmsghdr*)>& fn,
                         const std::function<void()>& restart) {
    Buffer buffer;
    for (int attempt = 0;; ++attempt) {
        const std::uint32_t seq = impl_->seq++;
        std::string bytes(message.bytes());
        auto* out = reinterpret_cast<nlmsghdr*>(bytes.data());
        out->nlmsg_seq = seq;
        out->nlmsg_flags |= NLM_F_DUMP;
        impl_->send(bytes);
        bool interrupted = false;
        int errnum = 0;
        for (bool done = false; !done;) {
            impl_->receive(buffer, 0, [&](const nlmsghdr* h) {
                if (h->nlmsg_seq != seq || done) return;
                if (h->nlmsg_flags & NLM_F_DUMP_INTR) interrupted = true;
                if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
                    done = true;
                    if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(int)) std::memcpy(&errnum, nlmsg_data(h), sizeof errnum);
                } else {
                    fn(h);
                }
            });
        }
        if (errnum == -EINTR || errnum == -EAGAIN) interrupted = true;
        else if (errnum < 0) throw sys_error(-errnum, "{}", message.what);
        if (!interrupted) return;
        // Without a way to start over, or when the tables never rest, what was seen has to do.
        if (!restart || attempt == 10) return;
        restart();
    }
}

namespace {

Message batch_mark(int type) {
    const nfgenmsg header{AF_UNSPEC, NFNETLINK_V0, __builtin_bswap16(NFNL_SUBSYS_NFTABLES)};
    return Message(type, 0, header);
}

} // namespace

NetlinkSocket::BatchFailure NetlinkSocket::transact(const std::vector<Message>& messages) {
    const std::uint32_t first = impl_->seq;
    std::string bytes;
    const auto append = [&](const Message& m, bool ack) {
        const std::size_t at = bytes.size();
        bytes += m.bytes();
        auto* h = reinterpret_cast<nlmsghdr*>(bytes.data() + at);
        h->nlmsg_seq = impl_->seq++;
        if (ack) h->nlmsg_flags |= NLM_F_ACK;
    };
    append(batch_mark(NFNL_MSG_BATCH_BEGIN), false);
    for (std::size_t i = 0; i < messages.size(); ++i) append(messages[i], i + 1 == messages.size());
    append(batch_mark(NFNL_MSG_BATCH_END), false);
    impl_->send(bytes);

    // The kernel works within send: errors and the one acknowledgement are queued when it returns.
    BatchFailure result;
    bool answered = false;
    Buffer buffer;
    while (impl_->receive(buffer, MSG_DONTWAIT, [&](const nlmsghdr* h) {
        if (h->nlmsg_type != NLMSG_ERROR || !Impl::ours(h, first, messages.size() + 2)) return;
        answered = true;
        const auto* err = static_cast<const nlmsgerr*>(nlmsg_data(h));
        if (err->error == 0 || result.errnum != 0) return;
        const std::size_t place = h->nlmsg_seq - first;
        result.errnum = -err->error;
        result.index = place == 0 || place > messages.size() ? messages.size() : place - 1;
        result.text = extended_text(h);
    })) {}
    if (!answered) result = {EIO, messages.size(), "the kernel did not answer"};
    return result;
}

// --- Attributes -------------------------------------------------------------------------------------

const void* payload_of(const nlmsghdr* message) { return nlmsg_data(message); }

Attributes::Attributes(const nlmsghdr* message, std::size_t header_size) {
    const std::size_t head = NLMSG_ALIGN(header_size);
    const std::size_t size = message->nlmsg_len - NLMSG_HDRLEN;
    if (size <= head) return;
    data_ = static_cast<const char*>(nlmsg_data(message)) + head;
    size_ = size - head;
}

Attributes::Attributes(const void* data, std::size_t size) : data_(static_cast<const char*>(data)), size_(size) {}

std::string_view Attributes::find(int attribute) const {
    if (size_ == 0) return {};
    // libnl's parser takes a mutable head and leaves it alone
    const auto* head = reinterpret_cast<const nlattr*>(data_);
    const nlattr* a = nla_find(head, static_cast<int>(size_), attribute);
    if (!a) return {};
    return {static_cast<const char*>(nla_data(a)), static_cast<std::size_t>(nla_len(a))};
}

std::string Attributes::text(int attribute) const {
    const auto v = find(attribute);
    return std::string(v.substr(0, v.find('\0')));
}

namespace {
template <typename T>
T number(std::string_view bytes, T otherwise) {
    if (bytes.size() < sizeof(T)) return otherwise;
    T v;
    std::memcpy(&v, bytes.data(), sizeof v);
    return v;
}
} // namespace

std::uint32_t Attributes::u32(int attribute, std::uint32_t otherwise) const {
    return number(find(attribute), otherwise);
}
std::uint8_t Attributes::u8(int attribute, std::uint8_t otherwise) const { return number(find(attribute), otherwise); }

std::uint32_t Attributes::be32(int attribute, std::uint32_t otherwise) const {
    return has(attribute) ? __builtin_bswap32(number<std::uint32_t>(find(attribute), 0)) : otherwise;
}

std::uint64_t Attributes::be64(int attribute, std::uint64_t otherwise) const {
    return has(attribute) ? __builtin_bswap64(number<std::uint64_t>(find(attribute), 0)) : otherwise;
}

Attributes Attributes::nested(int attribute) const {
    const auto v = find(attribute);
    return Attributes(v.data(), v.size());
}

void Attributes::each(const std::function<void(int, std::string_view)>& fn) const {
    if (size_ == 0) return;
    int left = static_cast<int>(size_);
    for (const auto* a = reinterpret_cast<const nlattr*>(data_); nla_ok(a, left); a = nla_next(a, &left))
        fn(nla_type(a), {static_cast<const char*>(nla_data(a)), static_cast<std::size_t>(nla_len(a))});
}

} // namespace davit::net
