// Report R003 (case 003), in the order of the bug report's crash session: the writer that hangs,
// the chain from its handle to the journal, who waits for whom, the request, the race.
import { fieldsOf, type ReportPlan } from "./report-plan.ts";

const T_STATES = ["T_RUNNING", "T_LOCKED", "T_FLUSH", "T_COMMIT", "T_FINISHED"];
const LIO_OPCODES = ["IOCB_CMD_PREAD", "IOCB_CMD_PWRITE"];
const RW = ["READ", "WRITE"];

/** As the bug report prints struct dio; "=-": Linux 2.6.9 has it, this kernel has not. */
const DIO_FIELDS = fieldsOf("$dio", `
  bio inode=target->inode rw i_size=target->i_size lock_type blkbits blkfactor start_zero_done=-
  pages_in_io size block_in_file blocks_available final_block_in_request first_block_in_page
  boundary=- reap_counter get_blocks=target->get_block end_io=- final_block_in_bio
  next_block_for_io map_bh=- cur_page cur_page_offset cur_page_len cur_page_block curr_page
  total_pages curr_user_address pages head tail page_errors refcount=refcount.counter bio_lock
  bio_list waiter iocb is_async io_error result`).map((field) =>
  field.name === "rw" ? { ...field, names: RW } : field);

export const R003: ReportPlan = {
  id: "R003",
  title: "a writer waits for a bio that has ended, kjournald for the writer, the others for both",
  find: [
    { as: "writer", task: { state: "UN", frame: "dio_await_one" } },
    { as: "dio", at: "$writer->sleep.object", type: "dio" },
    { as: "handle", at: "$writer->journal_info" },
    { as: "transaction", at: "$handle->h_transaction" },
    { as: "journal", at: "fs_journal" },
    { as: "kjournald", at: "$journal->j_task" },
    { as: "ls", task: { comm: "ls", frame: "start_this_handle" } },
    { as: "other", task: { state: "UN", frame: "start_this_handle" } },
    {
      as: "iocb", stackOf: "$writer", frame: "sys_io_submit", type: "iocb",
      where: [["aio_nbytes", "$dio->size"], ["aio_offset", "$dio->offset"]],
    },
    { as: "inode", at: "$dio->target->inode", type: "inode" },
    { as: "bio", slab: "bio", where: [["bi_private", "$dio"]] },
  ],
  parts: [
    { title: "the machine", commands: ["sys"] },
    { title: "the writer that hangs", commands: ["ps $writer", "bt -l $writer"] },
    { title: "how long it has been blocked", facts: true },
    {
      title: "how it came to wait",
      steps: {
        about: ["$dio"], from: "S1",
        words: {
          S1: "the request begins", W4: "looks at the count", W6: "looks at the count again",
          W7: "says that it waits", E1: "looks for a waiter", E2: "drops the bio's reference",
          E3: "looks for the waiter to wake",
        },
        claims: [["E1 load", "W7 commit"], ["W6 load", "E2 locked"]],
      },
    },
    { title: "the file system", commands: ["mount"] },
    {
      title: "its handle, and the running transaction",
      fields: fieldsOf("$writer", `journal_info h_transaction=$handle->h_transaction
        j_running_transaction=$journal->j_running_transaction`),
    },
    {
      title: "what kjournald waits for: the transaction's handles and state",
      fields: [
        { name: "t_updates", value: "$transaction->t_updates" },
        { name: "t_state", value: "$transaction->t_state", names: T_STATES },
      ],
    },
    {
      title: "waitq j_wait_updates",
      commands: ["waitq $journal->j_wait_updates", "bt -l $kjournald"],
    },
    {
      title: "how many others wait for it",
      commands: ["waitq $journal->j_wait_transaction_locked | grep PID | wc -l"],
    },
    {
      title: "who waits for the transaction",
      commands: ["waitq $journal->j_wait_transaction_locked"],
    },
    {
      title: "who waits for whom",
      tree: [
        {
          queue: "$journal->j_wait_transaction_locked",
          waits: "wait for the transaction, which is locked",
        },
        {
          task: "$kjournald", waits: "waits for the transaction's last handle",
          if: "$transaction->t_updates == 1",
        },
        {
          task: "$writer", waits: "has that handle, and waits for the bios of its request",
          if: "$handle->h_transaction == $journal->j_running_transaction",
        },
      ],
    },
    { title: "one of them", commands: ["bt -l $other"] },
    { title: "one that only reads a directory", commands: ["bt -l $ls"] },
    {
      title: "the copy of the user's iocb on the writer's stack",
      fields: fieldsOf("$iocb", `aio_data aio_key aio_reserved1=aio_rw_flags aio_lio_opcode
        aio_reqprio aio_fildes aio_buf aio_nbytes aio_offset aio_reserved2
        aio_reserved3=aio_flags`).map((field) =>
        field.name === "aio_lio_opcode" ? { ...field, names: LIO_OPCODES } : field),
    },
    {
      title: "the file", commands: ["files $writer", "struct inode.i_name $inode"],
    },
    { title: "the request", fields: DIO_FIELDS },
    {
      title: "of the file system's blocks",
      fields: [
        { name: "b_blocknr", value: "$dio->cur_page_block >> $dio->blkfactor", radix: 16 },
        { name: "b_size", value: "1 << ($dio->blkbits + $dio->blkfactor)", radix: 16 },
        { name: "b_bdev", value: "$dio->target->disk", radix: 16 },
      ],
    },
    { title: "bios of the request: none is found if it has ended", commands: ["struct bio $bio"] },
  ],
};
