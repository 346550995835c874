/*
 * The disk controllers: virtio-blk over virtio-mmio (Virtio 1.2, 4.2 "Virtio Over MMIO", 5.2 "Block
 * Device", 2.7 "Split Virtqueues"). One queue each, one level-triggered interrupt each.
 *
 * The device reads the rings by DMA, so the order of stores is all it sees: descriptors before the
 * ring entry, the entry before avail.idx. x86 keeps stores in order; the doorbell is an uncached
 * store and waits for all of them.
 */
#include "virtio_blk.h"

#include "../arch/irq.h"
#include "../arch/ioapic.h"
#include "../arch/mmio.h"
#include "../block/queue.h"
#include "../boot/params.h"
#include "../core/page.h"
#include "../core/panic.h"

#define CONTROLLERS_PHYS 0xd0000000
#define CONTROLLER_BYTES 0x1000
#define GSI_FIRST 4

#define MAGIC 0x000
#define MAGIC_VALUE 0x74726976
#define DEVICE_ID 0x008
#define ID_BLOCK 2
#define DRIVER_FEATURES 0x020
#define DRIVER_FEATURES_SEL 0x024
#define QUEUE_SEL 0x030
#define QUEUE_NUM 0x038
#define QUEUE_READY 0x044
#define QUEUE_NOTIFY 0x050
#define INTERRUPT_STATUS 0x060
#define INTERRUPT_ACK 0x064
#define STATUS 0x070
#define QUEUE_DESC 0x080
#define QUEUE_DRIVER 0x090
#define QUEUE_DEVICE 0x0a0
#define CAPACITY 0x100

#define ACKNOWLEDGE 1
#define DRIVER 2
#define DRIVER_OK 4
#define FEATURES_OK 8
#define VERSION_1_HIGH 1 /* VIRTIO_F_VERSION_1 in the upper half */

#define RING 128
#define DESC_NEXT 1
#define DESC_WRITE 2
#define STATUS_OK 0
#define MAX_SECTORS 1024 /* of a request, unless max_sectors= says less */

struct vring_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

struct vring_used_elem {
	u32 id;
	u32 len;
};

/* The header and the status byte of a request, on a line of their own. */
struct virtio_blk_req {
	u32 type;
	u32 reserved;
	u64 sector;
	u8 status;
} __cacheline_aligned;

struct virtio_blk {
	struct gendisk disk;
	volatile u32 *registers;
	struct vring_desc *desc;
	volatile u16 *avail; /* flags, idx, ring[] */
	volatile u16 *used;  /* flags, idx, then struct vring_used_elem[] */
	u16 avail_idx;
	u16 used_idx;
	u16 free_head; /* chain of free descriptors through `next` */
	u16 free_count;
	struct request *request[RING]; /* by head descriptor */
	struct virtio_blk_req *header;
};

static struct virtio_blk *devices[DISKS_MAX];
u32 nr_disks;

struct gendisk *disk_of(u32 number)
{
	return number < nr_disks ? &devices[number]->disk : NULL;
}

static u16 take_descriptor(struct virtio_blk *dev, u64 phys, u32 bytes, u16 flags)
{
	u16 index = dev->free_head;
	struct vring_desc *desc = &dev->desc[index];

	dev->free_head = desc->next;
	dev->free_count--;
	desc->addr = phys;
	desc->len = bytes;
	desc->flags = flags;
	return index;
}

/* Header, segments, status byte. False: not enough descriptors. */
static bool virtblk_issue(struct gendisk *disk, struct request *rq)
{
	struct virtio_blk *dev = disk->driver;
	bool write = rq->bio->bi_rw == WRITE;
	struct virtio_blk_req *header;
	u16 head, index;

	if (dev->free_count < rq->nr_segments + 2)
		return false;
	head = dev->free_head;
	header = &dev->header[head];
	header->type = write;
	header->sector = rq->sector;
	header->status = 0xff;

	/* Free descriptors are linked already: the chain is as many of them as it takes. */
	take_descriptor(dev, virt_to_phys(header), 16, DESC_NEXT);
	for (u32 i = 0; i < rq->nr_segments; i++)
		take_descriptor(dev, rq->segment[i].bv_phys, rq->segment[i].bv_len,
				DESC_NEXT | (write ? 0 : DESC_WRITE));
	index = take_descriptor(dev, virt_to_phys(&header->status), 1, DESC_WRITE);
	BUG_ON(index >= RING);

	dev->request[head] = rq;
	dev->avail[2 + dev->avail_idx % RING] = head;
	smp_wmb();
	dev->avail[1] = ++dev->avail_idx;
	return true;
}

static void virtblk_kick(struct gendisk *disk)
{
	struct virtio_blk *dev = disk->driver;

	writel(dev->registers, QUEUE_NOTIFY, 0);
}

/* Gives the chain's descriptors back. */
static void free_chain(struct virtio_blk *dev, u16 head)
{
	u16 last = head;
	u16 count = 1;

	while (dev->desc[last].flags & DESC_NEXT) {
		last = dev->desc[last].next;
		count++;
	}
	dev->desc[last].next = dev->free_head;
	dev->free_head = head;
	dev->free_count += count;
}

/*
 * Hard interrupt. The acknowledgement comes before the look at the ring: what the device adds after
 * the look raises the line anew.
 */
static void virtblk_interrupt(u32 number)
{
	struct virtio_blk *dev = devices[number];
	u32 cause = readl(dev->registers, INTERRUPT_STATUS);

	if (!cause)
		return;
	writel(dev->registers, INTERRUPT_ACK, cause);
	spin_lock(&dev->disk.queue.lock);
	while (dev->used_idx != dev->used[1]) {
		const volatile struct vring_used_elem *elem;
		struct request *rq;
		u16 head;

		smp_rmb(); /* the index before the element that it announces */
		elem = (const volatile struct vring_used_elem *)&dev->used[2];
		head = elem[dev->used_idx % RING].id;
		BUG_ON(head >= RING || !dev->request[head]);
		rq = dev->request[head];
		dev->request[head] = NULL;
		dev->used_idx++;
		rq->error = dev->header[head].status != STATUS_OK;
		free_chain(dev, head);
		blk_complete_request(rq);
	}
	__unplug_queue(&dev->disk);
	spin_unlock(&dev->disk.queue.lock);
}

static void set_address(struct virtio_blk *dev, u32 offset, const volatile void *ring)
{
	u64 phys = virt_to_phys((const void *)ring);

	writel(dev->registers, offset, phys);
	writel(dev->registers, offset + 4, phys >> 32);
}

/* 3.1.1 "Driver Requirements: Device Initialization". */
static void virtblk_start(struct virtio_blk *dev)
{
	volatile u32 *registers = dev->registers;
	u8 *rings = page_alloc(2);

	writel(registers, STATUS, 0);
	while (readl(registers, STATUS))
		;
	writel(registers, STATUS, ACKNOWLEDGE | DRIVER);
	writel(registers, DRIVER_FEATURES_SEL, 1);
	writel(registers, DRIVER_FEATURES, VERSION_1_HIGH);
	writel(registers, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	if (!(readl(registers, STATUS) & FEATURES_OK))
		panic("disk %u refuses the features", dev->disk.number);

	/* Descriptors and the available ring on one page, the used ring on the other. */
	dev->desc = (struct vring_desc *)rings;
	dev->avail = (volatile u16 *)(rings + RING * sizeof(*dev->desc));
	dev->used = (volatile u16 *)(rings + PAGE_SIZE);
	dev->header = page_alloc(RING * sizeof(*dev->header) / PAGE_SIZE);
	for (u16 i = 0; i < RING; i++)
		dev->desc[i].next = i + 1;
	dev->free_count = RING;

	writel(registers, QUEUE_SEL, 0);
	writel(registers, QUEUE_NUM, RING);
	set_address(dev, QUEUE_DESC, dev->desc);
	set_address(dev, QUEUE_DRIVER, dev->avail);
	set_address(dev, QUEUE_DEVICE, dev->used);
	writel(registers, QUEUE_READY, 1);
	writel(registers, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

static void probe(u32 number)
{
	volatile u32 *registers = device_at(CONTROLLERS_PHYS + number * CONTROLLER_BYTES);
	struct virtio_blk *dev = page_alloc(PAGE_ALIGN(sizeof(*dev)) / PAGE_SIZE);

	dev->registers = registers;
	dev->disk.number = number;
	dev->disk.driver = dev;
	dev->disk.sectors = readl(registers, CAPACITY) | (u64)readl(registers, CAPACITY + 4) << 32;
	dev->disk.queue.limits = (struct queue_limits){
		SEGMENTS_MAX, param_number("max_sectors", MAX_SECTORS) };
	dev->disk.queue.issue = virtblk_issue;
	dev->disk.queue.kick = virtblk_kick;
	queue_init(&dev->disk);
	devices[number] = dev;
	virtblk_start(dev);
	request_irq(GSI_FIRST + number, virtblk_interrupt, number);
}

/* There is no AML interpreter: the controllers are where the DSDT says, one page each, from the
 * first on. Where there is none the bus reads as ones. */
void virtblk_init(void)
{
	for (u32 number = 0; number < DISKS_MAX; number++) {
		volatile u32 *registers =
			device_at(CONTROLLERS_PHYS + number * CONTROLLER_BYTES);

		if (readl(registers, MAGIC) != MAGIC_VALUE ||
		    readl(registers, DEVICE_ID) != ID_BLOCK)
			break;
		probe(number);
		nr_disks = number + 1;
	}
}
